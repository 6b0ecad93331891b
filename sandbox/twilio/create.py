"""A message is ordered: checked, written down, answered, and sent on its way."""

from sandbox.answers import Answer, Request
from sandbox.config import TEST_ACCOUNT
from sandbox.twilio import access, entries, lifecycle, magic, orders
from sandbox.twilio.messages import Text
from sandbox.twilio.orders import Order
from sandbox.twilio.refusals import RefusedError
from sandbox.world import World


def create(world: World, request: Request, account: str) -> Answer:
    access.check(request, account)
    if account == TEST_ACCOUNT:
        return magic.create(world, request)
    order = orders.read(world, request, account)
    with world.lock:
        try:
            orders.check(world, order)
        except RefusedError as refusal:
            return _refused(world, request, order, refusal)
        text = _text(world, order)
        life = lifecycle.plan(world, text)
        ticket = entries.write(world, text, request, unknown=order.unknown)
    ticket.wait()  # on the disk before the first byte of the answer
    answer = Answer.of_json(201, text.resource(), {"Twilio-Concurrent-Requests": "1"})
    answer.when_out = lambda got: world.ledger.mark_answered([ticket.seq], got)
    with world.lock:
        world.texts.add(text)
        world.changed(text.to)
        lifecycle.follow(world, text, life)
    return answer


def _text(world: World, order: Order) -> Text:
    return Text(
        sid=world.new_sid("MM" if order.media else "SM"),
        account=order.account,
        to=order.to,
        sender=order.sender or None,
        body=order.text,
        direction="outbound-api",
        status="scheduled" if order.send_at else "accepted" if order.service else "queued",
        created=world.clock.now(),
        segments=order.size.segments,
        service=order.service or None,
        callback=order.callback or None,
        reference=order.reference,
        validity=float(order.validity),
        send_at=order.send_at,
        media=order.media,
    )


def _refused(world: World, request: Request, order: Order, refusal: RefusedError) -> Answer:
    world.record(
        "refused",
        provider="twilio",
        op="create",
        to_norm=order.to,
        http=refusal.http,
        code=refusal.code,
        field=refusal.field,
        fault=request.fault,
        request_sha256=request.sha256,
    )
    return refusal.answer()
