"""Servers whose system account imports what other accounts hear."""

EXPORT = 'exports: [{stream: "$JS.EVENT.>", accounts: [SYS]}]'


def importing(*imports: str, user: str = "sys", permissions: str = "", more: str = "") -> str:
    """A configuration whose system account has these imports, and `user` with these permissions."""
    accounts = "".join(f"  {name} {{ users: [{{user: {name}, password: p}}], {EXPORT} }}\n" for name in "AB")
    return (
        f'accounts {{\n  SYS {{ users: [{{user: {user}, password: "s3cret-pass"{permissions}}}]\n'
        f"    imports: [{', '.join(imports)}]{more} }}\n{accounts}}}\nsystem_account: SYS\n"
    )


def stream(account: str, to: str = "", subject: str = "$JS.EVENT.>") -> str:
    """An import."""
    renamed = f', to: "{to}"' if to else ""
    return f'{{stream: {{account: {account}, subject: "{subject}"}}{renamed}}}'


A, B = stream("A", "acct.A.>"), stream("B", "acct.second.>")
