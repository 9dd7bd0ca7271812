"""What the tower expects of a courier's stop, sent from couriers to the order's inbox."""

from typing import Annotated, Literal

from pydantic import Field

from models.base import Identifier
from models.events import EtaUpdated

CourierStage = Literal["on_the_way", "near", "arrived", "left"]


class CourierEta(EtaUpdated):
    """The tower's own `eta_updated`: when the order is handed over, with an 80 % range.

    It is a conclusion, no accepted event. `halts_ahead` doors are served before. `left`: the
    courier came at `eta_low` and went at `eta`, which is no ETA any more.
    """

    kind: Literal["eta_updated"] = "eta_updated"
    courier_id: Identifier
    stage: CourierStage
    halts_ahead: Annotated[int, Field(ge=0)]
