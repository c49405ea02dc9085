"""What Slack answers: to a webhook as bare text, to an app as JSON with HTTP 200 whatever went wrong."""

import re

import msgspec

from bridge.errors import Refused, Rejected, Transient
from bridge.receiver import Reply, is_page, judge, retry_after

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
        "slack_connect_file_link_sharing_blocked",
        "attachment_payload_limit_exceeded",
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
        "restricted_action_thread_only_channel",
        "messages_tab_disabled",
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
        "external_channel_migrating",
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "request_timeout",
        "update_failed",
        "accesslimited",
    }
)
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "block_mismatch"})
"""The message that was to be edited is none any more, or not ours, or must stay as it is."""
_CLOSED = frozenset(
    {
        "thread_not_found",
        "cannot_reply_to_message",
        "restricted_action_thread_locked",
        "restricted_action_non_threadable_channel",
    }
)
"""The message takes no answers."""
_ELSEWHERE = frozenset({"channel_not_found", "is_archived", "is_inactive", "not_in_channel", "team_not_found"})
"""The channel that the message stands in is closed to us. There may be another one of the same name by now."""

_KNOWN = _REJECTED | _REFUSED | _TRANSIENT | _GONE | _CLOSED

_NEW = re.compile("[a-z]{2,12}(_[a-z]{1,12}){1,3}")
"""A word that Slack has come up with since: no token and no URL looks like one."""

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
    """Slack's word for what went wrong, if it is one that we know."""
    text = reply.body[:200].decode("utf-8", "replace").strip()
    if text.startswith("{"):
        answer = read(reply.body)
        text = answer.error if answer else ""
    return text if text in _KNOWN else ""


def is_lost(reply: Reply) -> bool:
    """A message that was to be edited or answered cannot be, now or ever; another one may be taken in its place."""
    said = word(reply)
    return said in _GONE | _CLOSED | _ELSEWHERE or (not said and _is_no(reply))


def _is_no(reply: Reply) -> bool:
    answer = read(reply.body) if 200 <= reply.status < 300 else None
    return answer is not None and not answer.ok


def judge_webhook(reply: Reply) -> None:
    """Raises Transient, Rejected or Refused unless the message was taken. Who speaks as Slack does may say it in other
    words than `ok`, but not with a page for browsers."""
    _judge_word(reply)
    judge(reply)
    if is_page(reply):
        raise _not_slacks(reply, "webhook_url")


def judge_app(reply: Reply) -> None:
    """The same for an app. HTTP 200 means nothing here."""
    _judge_word(reply)
    judge(reply)
    answer = read(reply.body)
    if answer is None:
        raise _not_slacks(reply, "base_url")
    if not answer.ok:
        new = f" ({answer.error})" if _NEW.fullmatch(answer.error) else ""
        raise Rejected(f"HTTP {reply.status}: not ok, for a reason that this version does not know{new}", reply.status)


def _not_slacks(reply: Reply, key: str) -> Transient:
    what = f"HTTP {reply.status}: the answer is not Slack's; check {key}, and what stands in between"
    # Without a status where it may have been taken: what cannot be read may be half of an answer.
    return Transient(what, reply.status if is_page(reply) else None)


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
        # Of a message that was to be edited or answered, where there was none.
        raise Rejected(what, reply.status)
