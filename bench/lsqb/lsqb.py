"""What the LSQB test and benchmark share: the schema of the social network, how each engine loads it from CSV, and the nine questions
in SQL, from which the expected counts come.

LSQB (Mhedhbi, Lissandrini, Kuiper, Waudby, Szarnyas: LSQB, a large-scale subgraph query benchmark, GRADES-NDA 2021) asks nine patterns
of a labelled graph without properties. A folder of data has a CSV file for each kind of node (`Person.csv`: a header and one
id a line) and of edge (`Person_knows_Person.csv`: a header and two ids, divided by '|'). KNOWS has one line for each pair of friends.
"""
import pathlib

# Small kinds that are connected with each other come first: their ids lie close together, which their adjacency asks for.
NODES = ["City", "Country", "Continent", "Company", "University", "Tag", "TagClass", "Person", "Forum", "Post", "Comment"]
MESSAGES = ("Comment", "Post")  # a Message is either

# file: (type, FROM, TO) as our schema declares them; None: the type has ends of several kinds
EDGES = {
    "City_isPartOf_Country": ("IS_PART_OF", None, None),
    "Country_isPartOf_Continent": ("IS_PART_OF", None, None),
    "Comment_hasCreator_Person": ("HAS_CREATOR", "Message", "Person"),
    "Post_hasCreator_Person": ("HAS_CREATOR", "Message", "Person"),
    "Comment_hasTag_Tag": ("HAS_TAG", None, None),
    "Post_hasTag_Tag": ("HAS_TAG", None, None),
    "Forum_hasTag_Tag": ("HAS_TAG", None, None),
    "Comment_isLocatedIn_Country": ("IS_LOCATED_IN", None, None),
    "Post_isLocatedIn_Country": ("IS_LOCATED_IN", None, None),
    "Company_isLocatedIn_Country": ("IS_LOCATED_IN", None, None),
    "University_isLocatedIn_City": ("IS_LOCATED_IN", None, None),
    "Person_isLocatedIn_City": ("IS_LOCATED_IN", None, None),
    "Comment_replyOf_Comment": ("REPLY_OF", "Comment", "Message"),
    "Comment_replyOf_Post": ("REPLY_OF", "Comment", "Message"),
    "Forum_containerOf_Post": ("CONTAINER_OF", "Forum", "Post"),
    "Forum_hasMember_Person": ("HAS_MEMBER", "Forum", "Person"),
    "Forum_hasModerator_Person": ("HAS_MODERATOR", "Forum", "Person"),
    "Person_hasInterest_Tag": ("HAS_INTEREST", "Person", "Tag"),
    "Person_knows_Person": ("KNOWS", "Person", "Person"),
    "Person_likes_Comment": ("LIKES", "Person", "Message"),
    "Person_likes_Post": ("LIKES", "Person", "Message"),
    "Person_studyAt_University": ("STUDY_AT", "Person", "University"),
    "Person_workAt_Company": ("WORK_AT", "Person", "Company"),
    "TagClass_isSubclassOf_TagClass": ("IS_SUBCLASS_OF", "TagClass", "TagClass"),
    "Tag_hasType_TagClass": ("HAS_TYPE", "Tag", "TagClass"),
}


def questions(folder):
    """The nine openCypher texts."""
    return {n: (pathlib.Path(folder) / f"q{n}.cypher").read_text(encoding="utf-8").strip() for n in range(1, 10)}


def statements(folder):
    """What makes and loads the graph in our own language."""
    folder = pathlib.Path(folder)
    out = [f"CREATE NODE LABEL {node} (id INT, PRIMARY KEY (id))" for node in NODES + ["Message"]]
    declared = {}
    for kind, start, end in EDGES.values():
        if start is not None:
            declared[kind] = (start, end)
    out += [f"CREATE EDGE LABEL {kind} (FROM {start} TO {end})" for kind, (start, end) in declared.items()]
    for node in NODES:
        labels = node + ":Message" if node in MESSAGES else node
        out.append(f"COPY {labels} FROM '{folder / node}.csv' (HEADER true, DELIMITER '|', COLUMNS (id))")
    for file, (kind, start, end) in EDGES.items():
        first, _, last = file.split("_")
        out.append(f"COPY {kind} FROM '{folder / file}.csv' (FROM {start or first}, TO {end or last}, DELIMITER '|')")
    return out


def duck_load(connection, folder):
    folder = pathlib.Path(folder)
    for file in NODES + list(EDGES):
        columns = "{'a': 'BIGINT', 'b': 'BIGINT'}" if "_" in file else "{'id': 'BIGINT'}"
        connection.execute(f"CREATE TABLE {file} AS SELECT * FROM read_csv('{folder / file}.csv', delim = '|', header = false,"
                           f" skip = 1, columns = {columns})")
    connection.execute("""
        CREATE TABLE Message_hasTag_Tag AS FROM Comment_hasTag_Tag UNION ALL FROM Post_hasTag_Tag;
        CREATE TABLE Message_hasCreator_Person AS FROM Comment_hasCreator_Person UNION ALL FROM Post_hasCreator_Person;
        CREATE TABLE Comment_replyOf_Message AS FROM Comment_replyOf_Comment UNION ALL FROM Comment_replyOf_Post;
        CREATE TABLE Person_likes_Message AS FROM Person_likes_Comment UNION ALL FROM Person_likes_Post;
        CREATE TABLE knows AS SELECT a, b FROM Person_knows_Person UNION ALL SELECT b, a FROM Person_knows_Person;""")


SQL = {
    1: """SELECT count(*) FROM City_isPartOf_Country cc JOIN Person_isLocatedIn_City pc ON pc.b = cc.a
          JOIN Forum_hasMember_Person fm ON fm.b = pc.a JOIN Forum_containerOf_Post fp ON fp.a = fm.a
          JOIN Comment_replyOf_Post r ON r.b = fp.b JOIN Comment_hasTag_Tag ct ON ct.a = r.a
          JOIN Tag_hasType_TagClass tt ON tt.a = ct.b""",
    2: """SELECT count(*) FROM knows k JOIN Comment_hasCreator_Person cc ON cc.b = k.a
          JOIN Comment_replyOf_Post r ON r.a = cc.a JOIN Post_hasCreator_Person pc ON pc.a = r.b AND pc.b = k.b""",
    3: """WITH lives AS (SELECT l.a AS person, c.b AS country FROM Person_isLocatedIn_City l JOIN City_isPartOf_Country c ON c.a = l.b)
          SELECT count(*) FROM knows k1 JOIN knows k2 ON k2.a = k1.b JOIN knows k3 ON k3.a = k2.b AND k3.b = k1.a
          JOIN lives x ON x.person = k1.a JOIN lives y ON y.person = k1.b AND y.country = x.country
          JOIN lives z ON z.person = k2.b AND z.country = x.country""",
    4: """SELECT count(*) FROM Message_hasTag_Tag t JOIN Message_hasCreator_Person h ON h.a = t.a
          JOIN Person_likes_Message l ON l.b = t.a JOIN Comment_replyOf_Message r ON r.b = t.a""",
    5: """SELECT count(*) FROM Message_hasTag_Tag t1 JOIN Comment_replyOf_Message r ON r.b = t1.a
          JOIN Comment_hasTag_Tag t2 ON t2.a = r.a WHERE t1.b <> t2.b""",
    6: """SELECT count(*) FROM knows k1 JOIN knows k2 ON k2.a = k1.b JOIN Person_hasInterest_Tag i ON i.a = k2.b
          WHERE k1.a <> k2.b""",
    7: """SELECT count(*) FROM Message_hasTag_Tag t JOIN Message_hasCreator_Person h ON h.a = t.a
          LEFT JOIN Person_likes_Message l ON l.b = t.a LEFT JOIN Comment_replyOf_Message r ON r.b = t.a""",
    8: """SELECT count(*) FROM Message_hasTag_Tag t1 JOIN Comment_replyOf_Message r ON r.b = t1.a
          JOIN Comment_hasTag_Tag t2 ON t2.a = r.a WHERE t1.b <> t2.b
          AND NOT EXISTS (SELECT 1 FROM Comment_hasTag_Tag t3 WHERE t3.a = r.a AND t3.b = t1.b)""",
    9: """SELECT count(*) FROM knows k1 JOIN knows k2 ON k2.a = k1.b JOIN Person_hasInterest_Tag i ON i.a = k2.b
          WHERE k1.a <> k2.b AND NOT EXISTS (SELECT 1 FROM knows k3 WHERE k3.a = k1.a AND k3.b = k2.b)""",
}
