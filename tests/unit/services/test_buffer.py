"""The buffer of a stream keeps order, and knows when it is full and when it is old."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.services.attempts.streams import Item
from workers_app.attempts.buffer import Buffer


def an_item(value=0, size=1):
    return Item(value=value, size=size)


def a_buffer(*, size=3, flush_seconds=10.0, characters=100):
    return Buffer(size=size, flush_seconds=flush_seconds, characters=characters)


def test_an_empty_buffer_is_never_due():
    assert a_buffer().due_at is None


def test_its_age_is_that_of_its_oldest_item():
    buffer = a_buffer()

    buffer.add(an_item(), now=5)
    buffer.add(an_item(), now=9)

    assert buffer.due_at == 15


def test_it_is_full_with_as_many_items_as_a_batch_has():
    buffer = a_buffer(size=2)

    buffer.add(an_item(), now=0)
    assert (buffer.is_full, buffer.has_room_for(an_item())) == (False, True)
    buffer.add(an_item(), now=0)

    assert (buffer.is_full, buffer.has_room_for(an_item())) == (True, False)


def test_large_items_make_small_batches():
    buffer = a_buffer(characters=10)

    buffer.add(an_item(size=6), now=0)

    assert not buffer.has_room_for(an_item(size=5))
    assert buffer.has_room_for(an_item(size=4))


def test_an_empty_buffer_takes_any_item():
    assert a_buffer(characters=10).has_room_for(an_item(size=11))


def test_looking_takes_nothing_out():
    buffer = a_buffer()
    buffer.add(an_item("a"), now=0)

    assert [item.value for item in buffer.first()] == ["a"]
    assert len(buffer) == 1


def test_what_came_while_a_batch_was_written_stays_and_is_young():
    buffer = a_buffer()
    buffer.add(an_item("a"), now=0)
    taken = len(buffer.first())
    buffer.add(an_item("b"), now=3)

    buffer.drop(taken, now=4)

    assert [item.value for item in buffer.first()] == ["b"]
    assert buffer.due_at == 14


def test_an_emptied_buffer_is_not_due():
    buffer = a_buffer()
    buffer.add(an_item(), now=0)

    buffer.drop(1, now=1)

    assert buffer.due_at is None


@given(st.lists(st.integers(1, 30), max_size=60), st.integers(1, 7))
def test_every_item_is_in_one_batch_in_order(sizes, most):
    buffer, batches = a_buffer(size=most, characters=40), []

    def hand_on():
        batches.append(buffer.first())
        buffer.drop(len(batches[-1]), now=0)

    for number, size in enumerate(sizes):
        if not buffer.has_room_for(an_item(size=size)):
            hand_on()
        buffer.add(an_item(number, size), now=0)
    if buffer:
        hand_on()

    assert [item.value for batch in batches for item in batch] == list(range(len(sizes)))
    assert all(len(batch) <= most for batch in batches)
    assert all(sum(item.size for item in batch) <= 40 for batch in batches)


@pytest.mark.parametrize("seconds", [0.001, 3600])
def test_the_flush_interval_is_counted_from_the_first_item(seconds):
    buffer = a_buffer(flush_seconds=seconds)

    buffer.add(an_item(), now=1)

    assert buffer.due_at == 1 + seconds
