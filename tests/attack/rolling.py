"""A workspace with a past: each state it was in is kept, so that any record can be put back as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pyarrow as pa
from tests.simulator.adapters import SetClock, copied_store
from tests.simulator.asking import OWNER
from tests.simulator.model import CARE, POPULATION_LIMIT, UNTIL
from tests.simulator.people import MAIL, People
from tests.simulator.world import World

from hedgerow.adapters.engines import DuckEngine
from hedgerow.adapters.keys.memory import MemoryKeys
from hedgerow.adapters.store.memory import MemoryStore
from hedgerow.app.service import Service
from hedgerow.app.service.releasing import ReleaseRequest
from hedgerow.app.wiring import wire
from hedgerow.app.workspace import default_policies, populate
from hedgerow.kernel.merkle.note import VerifierKey
from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import Approval, QuarantineBatch
from hedgerow.model.releases import LeftFile
from hedgerow.model.tokens import Keep, Random, Rules
from hedgerow.model.uses import Actor, UseRequest
from hedgerow.model.words import Basis
from hedgerow.spine.approvals import Asked
from hedgerow.spine.quarantine import Broken
from hedgerow.techniques.tokens.governed import GovernedTokens

HEADER = '{"format": "csv", "delimiter": ",", "columns": [["id", "text"], ["tag", "integer"]]}'
OLDER, AGAIN, NEVER = "an older image", "a removed one again", "as if never written"


def broken_arrival(world, refs, broken):
    tags = {world.tag + place: ref for place, ref in enumerate(refs)}
    world.tag += len(refs)
    made = world._arrival("notes", tags, {CARE: Basis.CONTRACT}, ())
    rows = tuple(Broken(9, "too many cells", raw) for raw in broken)
    return replace(made, header=HEADER, broken=rows, consents=())


def _renamed(world, ref):
    """Take a person in again under another name, which is kept beside the first."""
    arrival = broken_arrival(world, [ref], [])
    table = arrival.table.set_column(1, "name", pa.array([f"Name {world.tag}"], pa.string()))
    world.spine.intake.take(replace(arrival, table=table), OWNER)


def set_aside(world, refs, broken):
    world.spine.intake.take(broken_arrival(world, refs, broken), OWNER)


def _failing(world):
    world.use(("count", "visits", CARE, world.epsilon), "fails", meanwhile=("fail", "why"))


def founded(tenant="w-rolled", keys=None):
    """Make an empty workspace, with keys of its own or under the master keys of another."""
    world = World()
    store, world.keys = MemoryStore(), keys or MemoryKeys()
    populate(store, world.keys, SetClock(), tenant=tenant)
    world.inner_store, world.epsilon = store, Fraction(1, 100)
    world.restart()
    for purpose, until in UNTIL.items():
        world.service.add_purpose(purpose, "to simulate", "owner", until)
    world.service.allocate(None, None, POPULATION_LIMIT)
    return world


def _asked(world):
    wish = Asked("space.charge", Actor("owner", "ana"), {"epsilon": "1/2"}, {"epsilon": "0.5"})
    with world.store.write() as tx:
        refused = world.spine.approvals.needed(tx, wish)
    assert refused.code == "approval.pending", refused.code


def _granted(world):
    with world.read() as reader:
        (waiting,) = reader.find(Approval)
    world.spine.approvals.decide(Actor("owner", "olga"), waiting.id, is_granted=True, reason="")


def _given(world):
    """Ask again what was answered, under another id."""
    request, technique = world.request(("count", "visits", CARE, world.epsilon), "given")
    assert world.spine.gate.use(replace(request, fresh=False), technique).origin == "stored"


def _backed_up(world):
    world.spine.backups.begin(OWNER, "/backup", "/backup/keys", timedelta(days=30), ["fingerprint"])


def _pruned(world):
    with world.store.write() as tx:
        world.spine.backups.note_gone(tx, OWNER, world.spine.backups.outstanding(tx)[:1], "asked")


def _cosigned(world):
    """Let two workspaces cosign each other's heads."""
    other = founded("w-other")
    for ours, theirs in ((world, other), (other, world)):
        with theirs.read() as reader:
            note = theirs.spine.journal.head(reader).checkpoint
        log = VerifierKey(theirs.spine.attestor.origin, theirs.spine.attestor.verifier).to_text()
        with ours.store.write() as tx:
            signed, keys, _ = ours.spine.cosigning.cosign(tx, OWNER, note, log, None)
    with world.store.write() as tx:
        world.spine.cosigning.keep(tx, OWNER, signed, keys)


def _copied(world, source):
    """Collect an extract of another data set, which uses are charged to as well."""
    arrival = replace(broken_arrival(world, ["ann"], []), dataset="extract", derived_from=(source,))
    world.spine.intake.take(arrival, OWNER)


def _ran(world, kind, name, asked=None):
    """Open a run, or take a step of it."""
    if asked is None:
        world.service.step_run(
            kind, name, {} if kind == "running" else {"sql": "SELECT COUNT(*) FROM visits"}
        )
    else:
        cheap = {"of": "COUNT(*)", "epsilon": "0.01", **asked}
        world.service.open_run(kind, name, "visits", cheap, purpose=CARE)


def tokenised(spine, dataset, request):
    """Let the rows of a data set leave with a drawn token for each person."""
    rules = Rules((Random("token", "id"), Keep("ward", "ward")), drops_others=True)
    asked = {"release": f"R-{request}", "recipient": ""}
    spine.gate.use(UseRequest(OWNER, CARE, dataset, asked, request), GovernedTokens(rules))


def _certified(world, release, digit):
    """Certify a file of a release; another file is certified anew."""
    world.spine.releases.certify(
        OWNER, LeftFile(release, "rows", {"k": 2}, {"tag": "as collected"}, digit * 64, 9)
    )


def _tabled(world, folder, name):
    """Release a table, of which it is remembered who was in which class."""
    folder.mkdir(exist_ok=True)
    wanted = ReleaseRequest("visits", ["tag"], 2, suppression_limit="0.5")
    world.service.release(wanted, purpose=CARE, out=folder / f"{name}.csv", force=False)


def _published(world, folder, name, rows):
    folder.mkdir(exist_ok=True)
    (folder / "wards.csv").write_text("code,region\n" + rows)
    world.service.add_public(name, folder / "wards.csv", "everybody may know")


def story(folder):
    """Live through every act there is; gives the world and the state after each act."""
    world = founded()
    world.sources = 100
    service = lambda: world.service  # noqa: E731 - it is another after each start
    acts = [
        lambda: world.collect("visits", ["ann", "bob", "cem", "dan"], with_consent=True),
        lambda: world.collect("bills", ["ann", "eve"]),
        lambda: set_aside(world, ["fay", "dan", "gus"], [b"gus,x", b"hal,y"]),
        lambda: set_aside(world, [], [b"ida,x"]),
        lambda: world.use(("count", "visits", CARE, world.epsilon), "counted"),
        lambda: _given(world),
        lambda: world.use(("rows", "visits", CARE, None), "rows-out"),
        lambda: service().show_subject("ann"),
        lambda: _failing(world),
        lambda: _tabled(world, folder, "first"),
        lambda: _tabled(world, folder, "second"),
        lambda: world.choose("bob", granted=False, late=False),
        lambda: world.choose("bob", granted=True, late=False),
        lambda: service().change_epoch(is_ending=False),
        lambda: service().erase_subject("gus"),
        lambda: world.erase("cem"),
        lambda: service().erase_subject("fay"),
        lambda: service().change_epoch(is_ending=True),
        lambda: service().apply_policy(default_policies() + "// once more\n"),
        lambda: service().add_principal("ana", ["analyst"]),
        lambda: service().add_purpose("planning", "to plan", "owner", UNTIL[CARE]),
        lambda: service().allocate("visits", CARE, Fraction(3)),
        lambda: service().register_survey("5" * 64, "words", Fraction(1, 50), purpose=CARE),
        lambda: service().register_survey("5" * 64, "words", Fraction(1, 50), purpose=CARE),
        lambda: service().allocate("visits", CARE, Fraction(2), period="month"),
        lambda: service().allocate("visits", CARE, Fraction(1), period="month"),
        lambda: world.use(("count", "visits", CARE, world.epsilon), "counted-again"),
        lambda: world.use(("rows", "visits", CARE, None), "rows-again"),
        lambda: _certified(world, "R-rows-again", "1"),
        lambda: _certified(world, "R-rows-again", "2"),
        lambda: service().retire_release("R-rows-out", "too much"),
        lambda: _certified(world, "R-rows-out", "3"),
        lambda: _renamed(world, "dan"),
        lambda: _renamed(world, "ann"),
        lambda: _renamed(world, "ann"),
        lambda: service().export_subject("dan"),
        lambda: People.collect(world, "club", [(f"p{n}", f"p{n}@x.org") for n in range(40)]),
        lambda: service().make_index("club", MAIL, "email"),
        lambda: service().find_subject("club", MAIL, "p7@x.org"),
        lambda: service().rotate_index("club", MAIL),
        lambda: service().find_subject("club", MAIL, "p8@x.org"),
        lambda: service().add_principal("olga", ["privacy-officer"]),
        lambda: _asked(world),
        lambda: _granted(world),
        lambda: service().add_witness("paper", folder / "paper.json", folder / "space"),
        lambda: service().remove_witness("paper"),
        lambda: _cosigned(world),
        lambda: _backed_up(world),
        lambda: _backed_up(world),
        lambda: _pruned(world),
        lambda: _published(world, folder, "wards", "A,n\n"),
        lambda: _published(world, folder, "wards", "A,s\n"),
        lambda: _published(world, folder, "towns", "B,s\n"),
        lambda: service().drop_public("towns", "renamed"),
        lambda: _ran(world, "running", "arrivals", {"steps": 4}),
        lambda: _ran(world, "watch", "crowded", {"above": "1000000", "positives": 1}),
        lambda: _ran(world, "running", "arrivals"),
        lambda: _ran(world, "watch", "crowded"),
        lambda: _ran(world, "running", "arrivals"),
        lambda: service().close_run("watch", "crowded"),
        lambda: service().quarantine_discard(_batches(world)[-1]),
        lambda: tokenised(world.spine, "visits", "left"),
        lambda: _copied(world, "visits"),
        lambda: _copied(world, "bills"),
        lambda: world.collect("visits", ["cem"], with_consent=True),
        lambda: world.collect("bills", ["ian"]),
        lambda: world.drop("bills"),
        lambda: service().erase_subject("dan"),
    ]  # fmt: skip
    states = [dict(world.inner_store._tables)]
    for act in acts:
        world.clock.advance(hours=1)
        act()
        states.append(dict(world.inner_store._tables))
    return world, states


def _batches(world):
    with world.read() as reader:
        return [batch.id for batch in reader.find(QuarantineBatch)]


def cells(kind, states):
    """Every way to put records of one kind back: the way, and the table as it would be then."""
    now = states[-1].get(kind.TABLE, {})
    seen = set()
    for state in states[:-1]:
        was = state.get(kind.TABLE, {})
        changed = [(OLDER, key, row) for key, row in was.items() if key in now and now[key] != row]
        gone = [(AGAIN, key, row) for key, row in was.items() if key not in now]
        fresh = [(NEVER, key, None) for key in now if key not in was]
        for way, key, row in [*changed, *gone, *fresh]:
            if (way, key, row) not in seen:
                seen.add((way, key, row))
                yield way, {**{k: r for k, r in now.items() if k != key}, **({key: row} if row else {})}
    for place in (0, len(states) // 2, -2):
        was = states[place].get(kind.TABLE, {})
        if was != now:
            yield "the whole table", was


def noticed(world, kind, table):
    """Tell by which code an audit of everything, or the next start, notices a table that was put back."""
    store = copied_store(world.inner_store)
    store._tables = {**store._tables, kind.TABLE: table}
    try:
        shelf = world.inner_shelf
        clock = SetClock(world.clock.now())
        spine = wire(store, world.keys, DuckEngine(shelf, threads=1), shelf, clock)
        Service(spine, OWNER).verify()
    except HedgerowError as error:
        return error.code
    return None
