"""Every path of the operations API in one table, and the OpenAPI document made of it."""

import importlib.metadata
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from models.alerts import Notification
from models.desk import Acknowledge, Annotate, Assign, Intervene, Note

V1 = "/api/v1"
REFS = "#/components/schemas/{model}"

Json = dict[str, Any]


class Parameter(NamedTuple):
    """A parameter of the query string."""

    name: str
    schema: Json
    means: str


class Route(NamedTuple):
    """One operation; `handler` is the method of `Api` that answers it."""

    method: str
    path: str
    handler: str
    says: str
    body: type[BaseModel] | None = None
    query: tuple[Parameter, ...] = ()


CARRIER = Parameter("carrier", {"type": "string"}, "only this carrier's")
LIMIT = Parameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
    "at most so many",
)
BAND = Parameter(
    "band", {"type": "string", "enum": ["high", "medium", "low"]}, "only this band"
)
FROM = Parameter("from", {"type": "integer"}, "epoch milliseconds; default: a day ago")
TO = Parameter("to", {"type": "integer"}, "epoch milliseconds; default: now")

ROUTES = (
    Route("GET", f"{V1}/report", "report", "The KPI report of the running tower."),
    Route(
        "GET", f"{V1}/orders/at-risk", "at_risk",
        "Open orders that may miss their promise, the worst first, each with its reason.",
        query=(CARRIER, BAND, LIMIT),
    ),
    Route("GET", f"{V1}/orders/{{order_id}}", "order", "All there is to say of one order."),
    Route(
        "POST", f"{V1}/orders/{{order_id}}/acknowledge", "acknowledge",
        "Say that somebody has seen it.", Acknowledge,
    ),
    Route("POST", f"{V1}/orders/{{order_id}}/assign", "assign", "Give it to somebody.", Assign),
    Route("POST", f"{V1}/orders/{{order_id}}/notes", "note", "Write a note on it.", Note),
    Route(
        "POST", f"{V1}/orders/{{order_id}}/interventions", "intervene",
        "Record what was done to save it: an event `intervention_made`.", Intervene,
    ),
    Route(
        "GET", f"{V1}/carriers/{{carrier}}", "carrier",
        "One carrier: its part of the report, its orders at risk, its couriers.",
    ),
    Route(
        "GET", f"{V1}/couriers", "couriers", "Where couriers were last seen.",
        query=(CARRIER, LIMIT),
    ),
    Route(
        "GET", f"{V1}/annotations", "annotations",
        "Incidents, interventions and annotations of a span, as Grafana reads them.",
        query=(FROM, TO),
    ),
    Route("POST", f"{V1}/annotations", "annotate", "Mark something on the boards.", Annotate),
    Route(
        "POST", "/hooks/alertmanager", "alertmanager",
        "Receiver of Alertmanager: keeps the timeline of incidents.", Notification,
    ),
    Route("GET", f"{V1}/openapi.json", "openapi", "This document."),
)  # fmt: skip


def openapi() -> Json:
    """Return the OpenAPI 3.1 document of all routes."""
    bodies = sorted({route.body for route in ROUTES if route.body}, key=_name)
    _, schemas = models_json_schema(
        [(each, "validation") for each in bodies], ref_template=REFS
    )
    paths: Json = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    error = {
        "type": "object",
        "properties": {"error": {"type": "string"}},
        "required": ["error"],
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tower, operations API",
            "version": importlib.metadata.version("tower"),
            "description": "Answers say in `as_of` up to when events are counted and in"
            " `heard_seconds_ago` for how long nothing has come from the tower.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"] | {"Error": error},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    }


def _operation(route: Route) -> Json:
    in_path = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    told: Json = {
        "operationId": route.handler,
        "summary": route.says,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in in_path
        ]
        + [
            {"name": each.name, "in": "query", "schema": each.schema, "description": each.means}
            for each in route.query
        ],
        "responses": {
            "201" if route.method == "POST" else "200": {"description": route.says},
            "default": {
                "description": "What is wrong, in one sentence.",
                "content": {
                    "application/json": {"schema": {"$ref": REFS.format(model="Error")}}
                },
            },
        },
    }
    if route.body is not None:
        schema = {"$ref": REFS.format(model=_name(route.body))}
        told["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return told


def _name(body: type[BaseModel]) -> str:
    return body.__name__
