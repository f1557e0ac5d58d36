"""For callers within the house: many requests to a dispatcher in one ZeroMQ frame, over its native door."""

from dispatcher.native_client.client import Answered, NativeClient, NativeError

__all__ = ["Answered", "NativeClient", "NativeError"]
