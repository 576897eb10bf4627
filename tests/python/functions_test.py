"""Functions against Python's own: case and normal forms of all characters that have any, rounding, dates and times in named zones, durations.

    python tests/python/functions_test.py [WORD]      the program is WORLDGRAPH, or build/release/worldgraph
    WG_SEED=7 python tests/python/functions_test.py

Standard library only.
"""
import datetime
import decimal
import json
import math
import os
import random
import re
import sys
import unicodedata
import zoneinfo

from kit import ROOT, Suite, Workspace, check, equal

SEED = int(os.environ.get("WG_SEED", "20260101"))
CHUNK = 1500
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def prepare(scratch):
    return Workspace(scratch / "ws"), scratch, random.Random(SEED)


def answers(ws, scratch, expression, values):
    """The expression of each value x, in order."""
    out, file = [], scratch / "question.cypher"
    for at in range(0, len(values), CHUNK):
        part = json.dumps(values[at:at + CHUNK], ensure_ascii=False)
        part = re.sub(r'([{,] ?)"(\w+)":', r"\1\2:", part)
        file.write_text(f"UNWIND {part} AS x RETURN {expression} AS r", encoding="utf-8")
        answer = ws.run_file(file, "--json")
        equal(answer.rc, 0, answer.err)
        out += [row[0] for row in answer.statements()[-1]["rows"]]
    equal(len(out), len(values))
    return out


def same(got, wanted, values):
    wrong = [(v, g, w) for v, g, w in zip(values, got, wanted) if g != w]
    check(not wrong, f"{len(wrong)} differ, the first: {wrong[:3]!r}")


suite = Suite("functions", prepare)


def need_release():
    """Other releases of Unicode have other characters."""
    head = (ROOT / "src/base/unicode/unicode_case.c").read_text(encoding="utf-8").splitlines()[0]
    return unicodedata.unidata_version in head


CHARACTERS = [chr(c) for c in range(1, 0x110000) if not 0xD800 <= c <= 0xDFFF]


@suite.case
def case_of_all_characters(ws, scratch, rng):
    if not need_release():
        return "another release of Unicode"
    for change, name in ((str.upper, "toUpper"), (str.lower, "toLower")):
        values = [c for c in CHARACTERS if change(c) != c] + rng.sample(CHARACTERS, 1000)
        values += ["".join(rng.choices("aA\u03a3\u03c3\u0391 .'\u0301\u00df\u0130", k=rng.randint(1, 12))) for _ in range(500)]
        same(answers(ws, scratch, f"{name}(x)", values), [change(v) for v in values], values)
    return ""


@suite.case
def normal_forms_of_all_characters(ws, scratch, rng):
    if not need_release():
        return "another release of Unicode"
    odd = [c for c in CHARACTERS if unicodedata.normalize("NFKD", c) != c or unicodedata.combining(c)]
    hangul = [c for c in odd if "\uac00" <= c <= "\ud7a3"]
    odd = [c for c in odd if not "\uac00" <= c <= "\ud7a3"] + rng.sample(hangul, 500)
    mixed = ["".join(rng.choices(odd, k=rng.randint(2, 9))) for _ in range(1500)]
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        values = mixed + (odd if form in ("NFC", "NFKD") else rng.sample(odd, 2000))
        same(answers(ws, scratch, f"normalize(x, {form})", values), [unicodedata.normalize(form, v) for v in values], values)
    return ""


@suite.case
def rounding_is_that_of_decimals(ws, scratch, rng):
    modes = {"UP": decimal.ROUND_UP, "DOWN": decimal.ROUND_DOWN, "CEILING": decimal.ROUND_CEILING, "FLOOR": decimal.ROUND_FLOOR,
             "HALF_UP": decimal.ROUND_HALF_UP, "HALF_DOWN": decimal.ROUND_HALF_DOWN, "HALF_EVEN": decimal.ROUND_HALF_EVEN}
    for mode, how in modes.items():
        for places in (1, 2, 5):
            values = [rng.choice((round(rng.uniform(-50, 50), rng.randint(0, 7)), rng.uniform(-1e6, 1e6),
                                  rng.uniform(-1, 1) * 10.0 ** rng.randint(-12, 18))) for _ in range(80)]
            values = [float(v) for v in values]
            unit = decimal.Decimal(1).scaleb(-places)
            with decimal.localcontext() as context:
                context.prec = 60
                wanted = [float(decimal.Decimal(repr(v)).quantize(unit, rounding=how)) + 0.0 for v in values]
            same(answers(ws, scratch, f"round(x, {places}, '{mode}')", values), wanted, values)


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Africa/Monrovia", "UTC"]


def text_of(moment, zone):
    local = moment.astimezone(zoneinfo.ZoneInfo(zone))
    seconds = int(local.utcoffset().total_seconds())
    sign, rest = "-" if seconds < 0 else "+", abs(seconds)
    offset = "Z" if seconds == 0 else f"{sign}{rest // 3600:02}:{rest // 60 % 60:02}" + (f":{rest % 60:02}" if rest % 60 else "")
    return local.strftime("%Y-%m-%dT%H:%M:%S") + offset + f"[{zone}]"


@suite.case
def moments_in_zones(ws, scratch, rng):
    """Years whose rules are history: newer releases of the zones do not change them."""
    for zone in ZONES:
        seconds = [rng.randint(0, 1700000000) for _ in range(150)]
        got = answers(ws, scratch, f"datetime({{datetime: datetime.fromEpoch(x, 0), timezone: '{zone}'}})", seconds)
        same(got, [text_of(EPOCH + datetime.timedelta(seconds=s), zone) for s in seconds], seconds)


@suite.case
def local_times_in_zones(ws, scratch, rng):
    """Gaps move by their length, of two the earlier is taken: as Python with fold=0, once its time is brought into the zone."""
    for zone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe"):
        info = zoneinfo.ZoneInfo(zone)
        texts, wanted = [], []
        for _ in range(250):
            local = datetime.datetime(rng.randint(1985, 2023), rng.choice((3, 4, 9, 10, 11)), rng.randint(1, 28), rng.randint(0, 4),
                                      rng.randint(0, 59), tzinfo=info)
            local += datetime.timedelta(days=rng.randint(0, 3))
            texts.append(local.strftime("%Y-%m-%dT%H:%M:%S"))
            wanted.append(text_of(local.astimezone(datetime.timezone.utc), zone))
        same(answers(ws, scratch, f"datetime(x + '[{zone}]')", texts), wanted, texts)


@suite.case
def differences_and_sums(ws, scratch, rng):
    first = [datetime.datetime(rng.randint(1, 9998), rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), rng.randint(0, 59),
                               rng.randint(0, 59), rng.randint(0, 999999)) for _ in range(200)]
    moves = [datetime.timedelta(days=rng.randint(-300, 300), microseconds=rng.randint(-10 ** 10, 10 ** 10)) for _ in first]
    values = [[a.isoformat(), (a + d).isoformat() if a.year > 1 else a.isoformat(), d.days, d.seconds, d.microseconds]
              for a, d in zip(first, moves)]
    got = answers(ws, scratch, "localdatetime(x[0]) + duration({days: x[2], seconds: x[3], microseconds: x[4]}) = localdatetime(x[1])",
                  [v for v in values if not v[0].startswith("0001")])
    check(all(value is True for value in got), "a sum differs")
    got = answers(ws, scratch, "[d IN [duration.inSeconds(localdatetime(x[0]), localdatetime(x[1]))] | [d.seconds, d.nanosecondsOfSecond]][0]",
                  values)
    for (seconds, ns), value in zip(got, values):
        gap = datetime.datetime.fromisoformat(value[1]) - datetime.datetime.fromisoformat(value[0])
        equal(seconds * 10 ** 9 + ns, (gap.days * 86400 + gap.seconds) * 10 ** 9 + gap.microseconds * 1000, repr(value))


@suite.case
def calendars(ws, scratch, rng):
    dates = [datetime.date(1, 1, 1) + datetime.timedelta(days=rng.randint(0, 3652058)) for _ in range(500)]
    got = answers(ws, scratch, "[d IN [date(x)] | [d.weekYear, d.week, d.dayOfWeek, d.ordinalDay, d.quarter]][0]",
                  [d.isoformat() for d in dates])
    same(got, [[*d.isocalendar(), d.timetuple().tm_yday, (d.month + 2) // 3] for d in dates], dates)
    got = answers(ws, scratch, "toString(date({year: x[0], week: x[1], dayOfWeek: x[2]}))", [list(d.isocalendar()) for d in dates])
    same(got, [d.isoformat() for d in dates], dates)


@suite.case
def haversine_by_another_formula(ws, scratch, rng):
    pairs = [[rng.uniform(-180, 180), rng.uniform(-90, 90), rng.uniform(-180, 180), rng.uniform(-90, 90)] for _ in range(200)]
    got = answers(ws, scratch, "point.distance(point({longitude: x[0], latitude: x[1]}), point({longitude: x[2], latitude: x[3]}))", pairs)
    for metres, pair in zip(got, pairs):
        a, b, c, d = map(math.radians, pair)
        x = math.cos(d) * math.sin(c - a)
        y = math.cos(b) * math.sin(d) - math.sin(b) * math.cos(d) * math.cos(c - a)
        z = math.sin(b) * math.sin(d) + math.cos(b) * math.cos(d) * math.cos(c - a)
        check(abs(metres - 6378140 * math.atan2(math.hypot(x, y), z)) < 1e-3, f"{pair}: {metres}")


if __name__ == "__main__":
    sys.exit(suite.run())
