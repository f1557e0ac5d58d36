"""Bodies and answers of the API: an attrs class each (written by tools/build_client.py)."""

from fermata_client.generated.models import *  # noqa: F403
from fermata_client.generated.types import UNSET as UNSET
from fermata_client.generated.types import Unset as Unset
