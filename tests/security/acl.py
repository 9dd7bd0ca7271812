"""The rules of access of docs/scaling.md, made on a broker."""

import re
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
_ROW = re.compile(r"^\| (\w+) \| (topic|group) `~\.([\w.*-]+)` \| ([\w, ]+) \|$", re.MULTILINE)
_RESOURCES = {"topic": 2, "group": 3}
_LITERAL, _PREFIXED = 3, 4
_ALLOW = 3
_OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10}


def rules() -> list[tuple[str, str, str, list[str]]]:
    """Return user, kind of resource, name after the namespace, and operations of each row."""
    rows = _ROW.findall(PAGE.read_text())
    return [(user, kind, name, may.split(", ")) for user, kind, name, may in rows]


async def allow(bootstrap: str, namespace: str) -> None:
    """Create the rules of the page for a namespace."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        for user, kind, name, operations in rules():
            prefixed = name.endswith("*")
            for each in operations:
                answer = await admin._send_request(
                    CreateAclsRequest(
                        _RESOURCES[kind],
                        f"{namespace}.{name.removesuffix('*')}",
                        _PREFIXED if prefixed else _LITERAL,
                        f"User:{user}",
                        "*",
                        _OPERATIONS[each],
                        _ALLOW,
                    )
                )
                assert [error for error, *_ in answer.creation_responses] == [0]
    finally:
        await admin.close()
