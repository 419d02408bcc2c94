"""The SNS topic: whoever subscribed to it gets the sentence, by e-mail or SMS."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.notifying.carrier import NotNow, Unanswered

# What asking again cannot mend.
FINAL = ("AuthorizationError", "AccessDenied", "AccessDeniedException", "NotFound", "InvalidParameter")


class Topic:
    """Publishes to the topic `arn`; `client` makes the SNS client, which must not send again by itself."""

    def __init__(self, client: Callable[[], Any], arn: str, name: str) -> None:
        self._client = client
        self._arn = arn
        self._subject = f"Notification from {name}"

    def send(self, says: str) -> str:
        """Publish it once; raises InvalidSettings, NotNow or Unanswered."""
        try:
            self._client().publish(TopicArn=self._arn, Message=says, Subject=self._subject)
        except ClientError as error:
            raise self._refusal(error.response["Error"]["Code"]) from None
        except (ConnectTimeoutError, EndpointConnectionError):
            raise NotNow("SNS cannot be reached; nothing was sent, try again.") from None
        except BotoCoreError as error:
            why = type(error).__name__
            raise Unanswered(f"SNS did not answer ({why}): it may have arrived or not. It is not sent again.") from None
        return f"It was published to {self._arn}; whoever has subscribed and confirmed gets it."

    def _refusal(self, code: str) -> InvalidSettings | NotNow:
        if code in FINAL:
            return InvalidSettings([FieldError("sns", f"sns refused it ({code}): deploy the stack again.")])
        return NotNow(f"SNS cannot take it now ({code}); nothing was sent, try again.")
