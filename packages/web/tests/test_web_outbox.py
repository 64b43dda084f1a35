"""What waits for a slow client."""

from schedulezero.web.live.outbox import Gap, Outbox

GAP = b'{"type":"gap","family":"%b","from":%d,"to":%d}'


def taken(outbox: Outbox) -> list[bytes]:
    return [message for chunk in outbox.chunks() for message in chunk]


def test_messages_come_out_in_their_order() -> None:
    outbox = Outbox()
    outbox.put(b"one", family="execution", seq=1)
    outbox.put_gap(Gap(family="execution", first=2, last=3))
    outbox.put(b"four", family="execution", seq=4)

    assert taken(outbox) == [b"one", GAP % (b"execution", 2, 3), b"four"]


def test_what_does_not_fit_is_left_out_until_the_rest_is_sent_and_a_gap_a_family_stands_in_its_place() -> None:
    outbox = Outbox(max_bytes=6)
    for seq, message in enumerate((b"first", b"second", b"3", b"fourth"), 1):
        outbox.put(message, family="execution", seq=seq)
    outbox.put(b"x", family="schedule", seq=9)

    assert taken(outbox) == [b"first", GAP % (b"execution", 2, 4), GAP % (b"schedule", 9, 9)]
    outbox.put(b"fifth", family="execution", seq=5)
    assert taken(outbox) == [b"fifth"]


def test_a_gap_over_a_restart_of_the_publisher_has_no_numbers() -> None:
    outbox = Outbox(max_bytes=1)
    outbox.put(b"a", family="execution", seq=7)
    outbox.put(b"b", family="execution", seq=8)
    outbox.put_gap(Gap(family="execution", first=0, last=0))
    outbox.put(b"c", family="execution", seq=1)

    assert taken(outbox) == [b"a", GAP % (b"execution", 0, 0)]


def test_a_message_above_the_bound_passes_when_nothing_waits() -> None:
    outbox = Outbox(max_bytes=1)
    outbox.put(b"large", family="execution", seq=1)

    assert taken(outbox) == [b"large"]


def test_much_is_sent_in_parts() -> None:
    outbox = Outbox()
    for seq in range(10):
        outbox.put(b"x" * 100_000, family="execution", seq=seq)

    assert [len(chunk) for chunk in outbox.chunks()] == [3, 3, 3, 1]
