"""The questions: one text for us, one in SQL, one for the other graph databases; the goal in milliseconds (at the full size)."""

from collections import namedtuple

Question = namedtuple("Question", "name cypher sql peer_cypher goal_ms times", defaults=(None, None, 1))

HUB = 0  # rank 0 is id 0 whatever the scatter
PLAIN = 4242


def shortest_pairs(persons):
    return [(i * 7919 % persons, i * 104729 % persons) for i in range(1, 9)]


def questions(persons):
    path = ", ".join(f"[{a}, {b}]" for a, b in shortest_pairs(persons))
    return [
        Question("one_hop_from_key",
                 f"MATCH (a:Person {{id: {PLAIN % persons}}})-[:KNOWS]->(b:Person) RETURN b.id ORDER BY b.id",
                 f"SELECT to_id FROM knows WHERE from_id = {PLAIN % persons} ORDER BY to_id",
                 f"MATCH (a:Person {{id: {PLAIN % persons}}})-[:KNOWS]->(b:Person) RETURN b.id ORDER BY b.id", 0.01, 200),
        Question("two_hops_from_hub",
                 f"MATCH (a:Person {{id: {HUB}}})-[:KNOWS]->(:Person)-[:KNOWS]->(c:Person) RETURN count(*)",
                 f"SELECT count(*) FROM knows x JOIN knows y ON x.to_id = y.from_id WHERE x.from_id = {HUB}",
                 f"MATCH (a:Person {{id: {HUB}}})-[:KNOWS]->(:Person)-[:KNOWS]->(c:Person) RETURN count(*)", 0.5, 5),
        Question("two_hops_from_hub_distinct",
                 f"MATCH (a:Person {{id: {HUB}}})-[:KNOWS]->(:Person)-[:KNOWS]->(c:Person) RETURN count(DISTINCT c)",
                 f"SELECT count(DISTINCT y.to_id) FROM knows x JOIN knows y ON x.to_id = y.from_id WHERE x.from_id = {HUB}",
                 f"MATCH (a:Person {{id: {HUB}}})-[:KNOWS]->(:Person)-[:KNOWS]->(c:Person) RETURN count(DISTINCT c.id)", 2, 5),
        Question("filter_and_group_nodes",
                 "MATCH (a:Person) WHERE a.age >= 40 RETURN a.city AS city, count(*) AS n ORDER BY city",
                 "SELECT city, count(*) FROM person WHERE age >= 40 GROUP BY city ORDER BY city",
                 "MATCH (a:Person) WHERE a.age >= 40 RETURN a.city AS city, count(*) AS n ORDER BY city", 3),
        Question("filter_and_group_edges",
                 "MATCH ()-[k:KNOWS]->() WHERE k.weight >= 0.5 RETURN k.since AS since, count(*) AS n ORDER BY since LIMIT 10",
                 "SELECT since - DATE '1970-01-01', count(*) FROM knows WHERE weight >= 0.5 GROUP BY since ORDER BY since LIMIT 10",
                 "MATCH ()-[k:KNOWS]->() WHERE k.weight >= 0.5 RETURN k.since AS since, count(*) AS n ORDER BY since LIMIT 10", 15),
        Question("sum_of_edges", "MATCH ()-[k:KNOWS]->() RETURN sum(k.weight)", "SELECT sum(weight) FROM knows",
                 "MATCH ()-[k:KNOWS]->() RETURN sum(k.weight)", 5),
        Question("two_hops_counted", "MATCH (:Person)-[:KNOWS]->(:Person)-[:KNOWS]->(:Person) RETURN count(*)",
                 "SELECT count(*) FROM knows x JOIN knows y ON x.to_id = y.from_id",
                 "MATCH (:Person)-[:KNOWS]->(:Person)-[:KNOWS]->(:Person) RETURN count(*)", 1),
        Question("three_hops_counted",
                 "MATCH (:Person)-[:KNOWS]->(:Person)-[:KNOWS]->(:Person)-[:KNOWS]->(:Person) RETURN count(*)",
                 # a path that begins and ends with the same relationship goes there and back and there again
                 """WITH o AS (SELECT from_id AS v, count(*) AS n FROM knows GROUP BY from_id),
                         i AS (SELECT to_id AS v, count(*) AS n FROM knows GROUP BY to_id)
                    SELECT (SELECT sum(i.n * o.n) FROM knows k JOIN i ON i.v = k.from_id JOIN o ON o.v = k.to_id)
                         - (SELECT count(*) FROM knows a JOIN knows b ON a.to_id = b.from_id AND a.from_id = b.to_id)""",
                 "MATCH (:Person)-[a:KNOWS]->(:Person)-[b:KNOWS]->(:Person)-[c:KNOWS]->(:Person) RETURN count(*)", 40),
        Question("triangles", "MATCH (a:Person)-[:KNOWS]->(b:Person)-[:KNOWS]->(c:Person)-[:KNOWS]->(a) RETURN count(*)",
                 """SELECT count(*) FROM knows x JOIN knows y ON x.to_id = y.from_id
                    JOIN knows z ON z.from_id = y.to_id AND z.to_id = x.from_id""",
                 "MATCH (a:Person)-[:KNOWS]->(b:Person)-[:KNOWS]->(c:Person)-[:KNOWS]->(a) RETURN count(*)", 1800),
        Question("eight_shortest_paths",
                 f"UNWIND [{path}] AS p MATCH (a:Person {{id: p[0]}}), (b:Person {{id: p[1]}}) "
                 "MATCH s = shortestPath((a)-[:KNOWS*]->(b)) RETURN sum(length(s))", None,
                 # one by one: their plan for a list of pairs does not end in time; the answers are added up
                 [f"MATCH (a:Person)-[e:KNOWS* SHORTEST 1..30]->(b:Person) WHERE a.id = {a} AND b.id = {b} RETURN length(e)"
                  for a, b in shortest_pairs(persons)], 5, 5),
        Question("reachable_within_three",
                 f"MATCH (a:Person {{id: {PLAIN % persons}}})-[:KNOWS*1..3]->(b:Person) RETURN count(DISTINCT b)",
                 f"""WITH one AS (SELECT DISTINCT to_id AS v FROM knows WHERE from_id = {PLAIN % persons}),
                          two AS (SELECT DISTINCT to_id AS v FROM knows JOIN one ON from_id = v),
                          three AS (SELECT DISTINCT to_id AS v FROM knows JOIN two ON from_id = v)
                     SELECT count(*) FROM (SELECT v FROM one UNION SELECT v FROM two UNION SELECT v FROM three)""",
                 f"MATCH (a:Person {{id: {PLAIN % persons}}})-[:KNOWS*1..3]->(b:Person) RETURN count(DISTINCT b.id)", 0.5, 5),
    ]
