"""A social network like that of LSQB, of any size, as CSV files with the names and columns of its data sets.

    generate.py FOLDER [--scale N] [--seed S]

Scale N has 1,000 N persons, 15 N thousand posts, 30 N thousand comments. What somebody does most is skewed: popular persons, forums, posts and
tags come from the square of a uniform number. Half of the friendships are between persons who stand near each other, so that there are
triangles. All that is random is MD5 of a counter, a name and the seed: the same seed gives the same rows everywhere.
"""
import argparse
import json
import pathlib

import duckdb

CITIES, COUNTRIES, TAGS, CLASSES, UNIVERSITIES, COMPANIES = 1343, 111, 16080, 71, 6380, 1575
# ids of a kind begin here
BASE = {"City": 1000, "Country": 0, "Continent": 5000, "Tag": 0, "TagClass": 0, "University": 10000, "Company": 0, "Person": 10**6,
        "Forum": 10**9, "Post": 10**10, "Comment": 2 * 10**10}


def uniform(name, seed, counter="i"):
    """A number in [0, 1) with 53 bits."""
    return f"((md5_number_lower('{name} ' || {counter} || ' {seed}') % 9007199254740992)::DOUBLE / 9007199254740992.0)"


def even(name, seed, count, counter="i"):
    return f"floor({count} * {uniform(name, seed, counter)})::BIGINT"


def skewed(name, seed, count, counter="i"):
    return f"floor({count} * {uniform(name, seed, counter)} * {uniform(name, seed, counter)})::BIGINT"


def tables(scale, seed):
    """file: SELECT, over positions that BASE turns into ids."""
    p, n = 1000 * scale, {}
    n.update(City=CITIES, Country=COUNTRIES, Continent=6, Tag=TAGS, TagClass=CLASSES, University=UNIVERSITIES, Company=COMPANIES,
             Person=p, Forum=4 * p, Post=15 * p, Comment=30 * p)

    def each(count, a, b, distinct=False, where="true"):
        return f"SELECT {'DISTINCT ' if distinct else ''}a, b FROM (SELECT {a} AS a, {b} AS b FROM range({count}) t(i) WHERE {where})"

    out = {kind: f"SELECT i AS a FROM range({count}) t(i)" for kind, count in n.items()}
    out.update({
        "City_isPartOf_Country": each(CITIES, "i", f"i % {COUNTRIES}"),
        "Country_isPartOf_Continent": each(COUNTRIES, "i", "i % 6"),
        "Company_isLocatedIn_Country": each(COMPANIES, "i", even("company", seed, COUNTRIES)),
        "University_isLocatedIn_City": each(UNIVERSITIES, "i", even("university", seed, CITIES)),
        "Person_isLocatedIn_City": each(p, "i", skewed("home", seed, CITIES)),
        "Post_isLocatedIn_Country": each(n["Post"], "i", skewed("post place", seed, COUNTRIES)),
        "Comment_isLocatedIn_Country": each(n["Comment"], "i", skewed("comment place", seed, COUNTRIES)),
        "TagClass_isSubclassOf_TagClass": each(CLASSES, "i", "i // 3", where="i > 0"),
        "Tag_hasType_TagClass": each(TAGS, "i", skewed("class", seed, CLASSES)),
        "Person_hasInterest_Tag": each(20 * p, f"i % {p}", skewed("interest", seed, TAGS), True),
        "Person_studyAt_University": each(p, "i", even("study", seed, UNIVERSITIES)),
        "Person_workAt_Company": each(2 * p, f"i % {p}", even("work", seed, COMPANIES), True),
        "Forum_hasModerator_Person": each(n["Forum"], "i", even("moderator", seed, p)),
        "Forum_hasMember_Person": each(30 * p, skewed("forum", seed, n["Forum"]), skewed("member", seed, p), True),
        "Forum_hasTag_Tag": each(8 * p, even("forum tag of", seed, n["Forum"]), skewed("forum tag", seed, TAGS), True),
        "Forum_containerOf_Post": each(n["Post"], skewed("container", seed, n["Forum"]), "i"),
        "Post_hasCreator_Person": each(n["Post"], "i", skewed("poster", seed, p)),
        "Comment_hasCreator_Person": each(n["Comment"], "i", skewed("commenter", seed, p)),
        "Post_hasTag_Tag": each(10 * p, even("post tag of", seed, n["Post"]), skewed("post tag", seed, TAGS), True),
        "Comment_hasTag_Tag": each(25 * p, even("comment tag of", seed, n["Comment"]), skewed("comment tag", seed, TAGS), True),
        "Comment_replyOf_Post": each(n["Comment"], "i", skewed("reply", seed, n["Post"]), where="i % 2 = 0"),
        "Comment_replyOf_Comment": each(n["Comment"], "i", f"floor(i * {uniform('answer', seed)})::BIGINT", where="i % 2 = 1"),
        "Person_likes_Post": each(15 * p, even("liker", seed, p), skewed("liked post", seed, n["Post"]), True),
        "Person_likes_Comment": each(15 * p, even("fan", seed, p), skewed("liked comment", seed, n["Comment"]), True),
        "Person_knows_Person": f"""SELECT DISTINCT least(a, b) AS a, greatest(a, b) AS b FROM (SELECT i % {p} AS a,
            CASE WHEN i % 2 = 0 THEN (i % {p} + 1 + {even("near", seed, 30)}) % {p} ELSE {skewed("friend", seed, p)} END AS b
            FROM range({15 * p}) t(i)) WHERE a <> b""",
    })
    return out


def generate(folder, scale, seed):
    """Makes the files unless they are there with these parameters."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "parameters.json"
    parameters = {"scale": scale, "seed": seed, "version": 1}
    if made.exists() and json.loads(made.read_text(encoding="utf-8")) == parameters:
        return
    connection = duckdb.connect()
    for name, sql in tables(scale, seed).items():
        first, _, last = name.partition("_")
        columns = f"a + {BASE[first]} AS \":ID({first})\""
        if last:
            columns = f"a + {BASE[first]} AS \":START_ID({first})\", b + {BASE[last.split('_')[1]]} AS \":END_ID({last.split('_')[1]})\""
        order = "a, b" if last else "a"
        connection.execute(f"COPY (SELECT {columns} FROM ({sql}) ORDER BY {order}) TO '{folder / name}.csv' (HEADER, DELIMITER '|')")
    made.write_text(json.dumps(parameters), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--scale", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    generate(chosen.folder, chosen.scale, chosen.seed)
