"""What Twilio answers when it does not take a request over."""

from sandbox.answers import Answer

TEXTS = {
    20001: "Unknown parameters: {0}",
    20003: "Authenticate",
    20005: "Account not active",
    20009: "Cannot delete this resource before it is complete",
    20404: "The requested resource {0} was not found",
    20429: "Too Many Requests",
    20500: "Internal Server Error",
    20503: "Service unavailable",
    21211: "The 'To' number {0} is not a valid phone number.",
    21212: "The 'From' number {0} is not a valid phone number, shortcode, or alphanumeric sender ID.",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {0}.",
    21602: "Message body is required.",
    21603: "A 'From' or 'MessagingServiceSid' parameter is required to send a message.",
    21604: "A 'To' phone number is required.",
    21606: "The From phone number {0} is not a valid, SMS-capable inbound phone number or short code for your account.",
    21609: "The 'StatusCallback' URL {0} is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "SMS queue is full.",
    21612: "The 'To' phone number: {0}, is not currently reachable using the 'From' phone number: {1} via SMS.",
    21614: "To number: {0}, is not a mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21624: "The ValidityPeriod value {0} is invalid.",
    21635: "'To' number {0} is a landline, which cannot receive texts in its country",
    21705: "The Messaging Service Sid {0} is invalid.",
    30400: "Parameters are not valid",
    30409: "Message is not in a state that can be canceled",
    35111: "SendAt timestamp is missing",
    35114: "Scheduling does not support this timestamp",
    35118: "MessagingServiceSid is required to schedule a message",
}
HTTP = {20003: 401, 20005: 403, 20404: 404, 20429: 429, 20500: 500, 20503: 503, 21611: 429, 30409: 409}


class RefusedError(Exception):
    """Twilio does not take the request over."""

    def __init__(self, code: int, *values: str, field: str | None = None, http: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.http = http or HTTP.get(code, 400)
        self.message = _message(code, values)

    def answer(self) -> Answer:
        body: dict[str, object] = {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.http,
        }
        if self.code == 20003:
            body["detail"] = "Your AccountSid or AuthToken was incorrect."
        return Answer.of_json(self.http, body)


def _message(code: int, values: tuple[str, ...]) -> str:
    blanks = ("", "")  # a fault plan names a code and nothing else
    return TEXTS.get(code, f"Error {code}").format(*values, *blanks)
