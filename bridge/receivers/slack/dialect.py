"""What Slack answers: to a webhook as bare text, to an app as JSON with HTTP 200 whatever went wrong."""

import msgspec

from bridge.errors import Refused, Rejected, Transient
from bridge.receiver import Reply, judge, retry_after

# The words stand on the page of each method and at docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
_REJECTED = frozenset(
    {
        "invalid_payload",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_attachments",
        "invalid_arguments",
        "invalid_metadata_format",
        "msg_too_long",
        "msg_blocks_too_long",
        "no_text",
        "too_many_attachments",
        "missing_text_or_fallback_or_attachments",
        "slack_connect_blocked_file_type",
        "cannot_reply_to_message",
    }
)
_REFUSED = frozenset(
    {
        "no_service",
        "no_service_id",
        "no_team",
        "no_active_hooks",
        "team_disabled",
        "invalid_token",
        "action_prohibited",
        "posting_to_general_channel_denied",
        "channel_not_found",
        "channel_is_archived",
        "is_archived",
        "is_inactive",
        "not_in_channel",
        "user_not_found",
        "invalid_auth",
        "not_authed",
        "token_revoked",
        "token_expired",
        "account_inactive",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel",
        "missing_scope",
        "not_allowed_token_type",
        "no_permission",
        "access_denied",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "org_login_required",
        "team_access_not_granted",
        "team_not_found",
        "two_factor_setup_required",
        "method_deprecated",
        "deprecated_endpoint",
    }
)
_TRANSIENT = frozenset(
    {
        "rollup_error",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "team_added_to_org",
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "request_timeout",
        "update_failed",
        "accesslimited",
    }
)
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
"""The message that was to be edited or answered is none any more, or not ours."""

_KNOWN = _REJECTED | _REFUSED | _TRANSIENT | GONE

_ADVICE = {
    "not_in_channel": "invite the app into the channel",
    "channel_not_found": "check channel; invite the app into a private one",
    "is_archived": "unarchive the channel, or name another",
    "channel_is_archived": "unarchive the channel, or name another",
    "invalid_auth": "check the token",
    "not_authed": "check the token",
    "token_revoked": "make a new token",
    "token_expired": "make a new token",
    "account_inactive": "make a new token",
    "missing_scope": "give the app the scope chat:write",
    "not_allowed_token_type": "use the bot's token, xoxb-…",
    "no_service": "make a new webhook",
    "invalid_token": "make a new webhook",
    "action_prohibited": "ask a workspace's admin",
}


class Answer(msgspec.Struct):
    """What an app is told."""

    ok: bool = False
    error: str = ""
    channel: str = ""
    """The channel's id, whatever name it was called by."""
    ts: str = ""
    """The message's id in its channel."""


def read(body: bytes) -> Answer | None:
    """None if this is no answer of Slack's."""
    try:
        return msgspec.json.decode(body, type=Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def word(reply: Reply) -> str:
    """Slack's word for what went wrong, if it is one that we know: no other text of an answer is ever shown."""
    text = reply.body[:200].decode("utf-8", "replace").strip()
    if text.startswith("{"):
        answer = read(reply.body)
        text = answer.error if answer else ""
    return text if text in _KNOWN else ""


def judge_webhook(reply: Reply) -> None:
    """Raises Transient, Rejected or Refused unless the message was taken."""
    _judge_word(reply)
    judge(reply)


def judge_app(reply: Reply) -> None:
    """The same for an app. HTTP 200 means nothing here."""
    _judge_word(reply)
    judge(reply)
    answer = read(reply.body)
    if answer is None:
        raise Transient(f"HTTP {reply.status}: the answer is not Slack's; check base_url, and what stands in between")
    if not answer.ok:
        raise Rejected(f"HTTP {reply.status}: not ok, for a reason that this version does not know", reply.status)


def _judge_word(reply: Reply) -> None:
    said = word(reply)
    advice = f"; {_ADVICE[said]}" if said in _ADVICE else ""
    what = f"HTTP {reply.status}: {said}{advice}"
    if said in _REJECTED:
        raise Rejected(what, reply.status)
    if said in _REFUSED:
        raise Refused(what, reply.status)
    if said in _TRANSIENT:
        raise Transient(what, reply.status, retry_after(reply))
    if said:
        # Of GONE, where nothing was to be edited.
        raise Rejected(what, reply.status)
