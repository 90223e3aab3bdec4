"""The doors that events come in by, over HTTP, on real parts."""

from tests.running import Running


def test_an_order_reaches_its_destination_with_its_number_text_unchanged(running: Running):
    body = b'{"event":"transactions.order-placed","properties":{"orderId":"7","totalValue":42.50}}'

    answer = running.client.send("POST", "/v1/events", body)
    receipt = running.client.receipt(answer.doc["id"], lambda doc: doc["status"] == "delivered")

    assert answer.status == 202
    [request] = running.received(receipt["deliveries"][0]["id"])
    assert '"totalValue":42.50}' in request["body"]
