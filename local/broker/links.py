"""What happens on a client's links: attaching, credit, incoming transfers and outcomes.

The methods are named after Proton's events, which call them.
"""

from proton import Delivery, Event, Link, Message, Terminus

from local.broker.content import MAX_MESSAGE_BYTES
from local.broker.entity import Consumer, Entity
from local.broker.errors import NotAllowed, Refused, TooLarge
from local.broker.nodes import Node, Nodes
from local.broker.settlement import accept, condition, refuse, settle

_MAX_TRANSFER_BYTES = 1 << 20
_CREDIT = 1000


class Links:
    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def on_connection_remote_open(self, event: Event) -> None:
        event.connection.container = "signalbox-local-broker"
        event.connection.open()

    def on_session_remote_open(self, event: Event) -> None:
        event.session.open()

    def on_link_remote_open(self, event: Event) -> None:
        link = event.link
        try:
            node = self._nodes.find(_address(link))
            _check_supported(link)
        except Refused as error:
            _refuse_link(link, error)
        else:
            _attach(link, node)

    def on_link_flow(self, event: Event) -> None:
        # A draining receiver is told that nothing more will come, once it had what was ready.
        if event.link.is_sender and event.link.drain_mode:
            self._dispatch_to(event.link)
            event.link.drained()

    def on_delivery(self, event: Event) -> None:
        delivery, link = event.delivery, event.link
        if link.is_receiver:
            self._on_transfer(link, delivery)
        elif delivery.updated:
            node = self._nodes.find(_address(link))
            if isinstance(node, Entity):
                settle(node.queue, delivery)

    def on_link_remote_close(self, event: Event) -> None:
        self._nodes.forget(lambda link: link == event.link)
        event.link.close()
        event.link.free()

    def on_link_remote_detach(self, event: Event) -> None:
        self.on_link_remote_close(event)

    def on_session_remote_close(self, event: Event) -> None:
        self._nodes.forget(lambda link: link.session == event.session)
        event.session.close()
        event.session.free()

    def on_connection_remote_close(self, event: Event) -> None:
        event.connection.close()

    def on_connection_local_close(self, event: Event) -> None:
        self._nodes.forget(lambda link: link.connection == event.connection)

    def on_connection_unbound(self, event: Event) -> None:
        self.on_connection_local_close(event)

    def _dispatch_to(self, link: Link) -> None:
        node = self._nodes.find(_address(link))
        if isinstance(node, Entity):
            node.dispatch()

    def _on_transfer(self, link: Link, delivery: Delivery) -> None:
        if delivery.aborted:
            delivery.settle()
            return
        raw = _read(link, delivery)
        if raw is None:
            return
        if link.credit < _CREDIT // 2:
            link.flow(_CREDIT - link.credit)
        try:
            if hasattr(delivery, "too_large"):
                raise TooLarge(f"a transfer may have {_MAX_TRANSFER_BYTES} bytes")
            self._take(link, raw)
        except Refused as error:
            refuse(delivery, error)
        else:
            accept(delivery)

    def _take(self, link: Link, raw: bytes) -> None:
        node = self._nodes.find(_address(link))
        if isinstance(node, Entity):
            node.accept(raw)
            return
        request = Message()
        request.decode(raw)
        reply_link = _reply_link(link)
        if reply_link is not None:
            reply_link.send(node.answer(request)).settle()


def _address(link: Link) -> str | None:
    node: str | None = (link.remote_source if link.is_sender else link.remote_target).address
    return node


def _check_supported(link: Link) -> None:
    wants_session = link.is_sender and link.remote_source.filter.next() is not None
    if wants_session:
        raise NotAllowed("the local broker has no sessions and no filters")


def _attach(link: Link, node: Node) -> None:
    link.snd_settle_mode = link.remote_snd_settle_mode
    link.rcv_settle_mode = link.remote_rcv_settle_mode
    link.source.copy(link.remote_source)
    link.target.copy(link.remote_target)
    if isinstance(node, Entity):
        link.max_message_size = MAX_MESSAGE_BYTES
    link.open()
    if link.is_receiver:
        link.flow(_CREDIT)
    elif isinstance(node, Entity):
        deletes = link.remote_snd_settle_mode == Link.SND_SETTLED
        node.consumers.append(Consumer(link, deletes))


def _refuse_link(link: Link, error: Refused) -> None:
    # A sender that is attached to nothing (null target) and then detached learns why;
    # azure-servicebus takes any other answer for a lost connection and tries again.
    if link.is_receiver:
        link.target.type = Terminus.UNSPECIFIED
        link.target.address = None
    link.open()
    link.condition = condition(error)
    link.close()


def _read(link: Link, delivery: Delivery) -> bytes | None:
    """The whole transfer, or None while it is not complete. Too large ones are dropped as they come."""
    if delivery.partial:
        if delivery.pending > _MAX_TRANSFER_BYTES:
            link.recv(delivery.pending)
            delivery.too_large = True
        return None
    raw = bytes(link.recv(delivery.pending) or b"")
    link.advance()
    return raw


def _reply_link(request_link: Link) -> Link | None:
    """The link back to who asked: same session, same node."""
    link = request_link.connection.link_head(0)
    while link is not None:
        if (
            link.is_sender
            and link.session == request_link.session
            and _address(link) == _address(request_link)
        ):
            return link
        link = link.next(0)
    return None
