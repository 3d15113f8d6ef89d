"""Shares: nobody idle while somebody waits, nobody starved, and never more than there is room for."""

from hypothesis import given
from hypothesis import strategies as st

from tasks_app.planning.engine.shares import Standing, grants, share_of


@st.composite
def tenants(draw):
    found = []
    for project in range(draw(st.integers(1, 6))):
        out = draw(st.integers(0, 30))
        found.append(
            Standing(
                project=project,
                weight=draw(st.integers(1, 10)),
                out=out,
                ordinary=draw(st.integers(0, out)),
                is_waiting=draw(st.booleans()),
                places=draw(st.none() | st.integers(0, 10)),
            )
        )
    return found


SLOTS = st.integers(1, 40)
ROOM = st.integers(0, 80)


def test_a_share_is_never_less_than_a_slot():
    light, heavy = Standing(project=1), Standing(project=2, weight=9)

    assert [share_of(each, [light, heavy], slots=4) for each in (1, 2)] == [1, 3.6]


def test_what_is_out_overtakes_others_as_far_as_it_is_within_its_share():
    loud, quiet = Standing(project=1, out=9, ordinary=9), Standing(project=2, out=1, ordinary=1)

    found = grants([loud, quiet], slots=4, room=0)

    assert {each.project: each.promoted for each in found} == {1: 2, 2: 1}


@given(tenants(), SLOTS, ROOM)
def test_what_overtakes_is_within_the_share(standings, slots, room):
    held = {each.project: each.out - each.ordinary for each in standings}
    for grant in grants(standings, slots=slots, room=room):
        if grant.within + grant.promoted:
            taken = held[grant.project] + grant.within + grant.promoted
            assert taken < share_of(grant.project, standings, slots=slots) + 1


@given(tenants(), SLOTS, ROOM)
def test_only_what_is_within_a_share_goes_beyond_the_room(standings, slots, room):
    found = grants(standings, slots=slots, room=room)

    assert sum(grant.beyond for grant in found) <= room


@given(tenants(), SLOTS, ROOM)
def test_room_is_left_only_when_nobody_could_use_it(standings, slots, room):
    given_to = {each.project: each.messages for each in grants(standings, slots=slots, room=room)}
    hungry = [
        each
        for each in standings
        if each.is_waiting and (each.places is None or given_to.get(each.project, 0) < each.places)
    ]
    assert not hungry or sum(given_to.values()) >= room


@given(tenants(), SLOTS, ROOM)
def test_whoever_waits_with_nothing_out_gets_something(standings, slots, room):
    given_to = {each.project for each in grants(standings, slots=slots, room=room) if each.messages}
    for each in standings:
        if each.is_waiting and each.out == 0 and each.places != 0 and len(standings) > 1:
            assert each.project in given_to


@given(tenants(), SLOTS, ROOM, st.integers(0, 20))
def test_limits_are_kept(standings, slots, room, most):
    found = grants(standings, slots=slots, room=room, most=most)
    places = {each.project: each.places for each in standings}

    assert sum(grant.messages for grant in found) <= most
    assert all(places[grant.project] is None or grant.messages <= places[grant.project] for grant in found)


@given(tenants(), SLOTS, ROOM)
def test_a_project_alone_overtakes_nobody(standings, slots, room):
    for grant in grants(standings[:1], slots=slots, room=room):
        assert (grant.within, grant.promoted) == (0, 0)
