/* For tests only: a small graph, and statements over it that use each part of the language once. $p is 3. */
#ifndef WG_TESTS_FAULT_QUERY_TEXTS_H
#define WG_TESTS_FAULT_QUERY_TEXTS_H

static const char *const query_graph[] = {
    "CREATE NODE LABEL P (k INT, name STRING, n INT, f FLOAT, d DATE, PRIMARY KEY (k))",
    "CREATE EDGE LABEL KNOWS (FROM P TO P, since INT)",
    "CREATE EDGE LABEL LIKES (FROM P TO P)",
    "UNWIND range(1, 12) AS k CREATE (:P {k: k, name: 'n' + toString(k % 5), n: k * 7 % 11, f: k / 4.0, d: "
    "date('2024-02-25') + "
    "duration({days: k})})",
    "MATCH (a:P), (b:P) WHERE b.k = a.k + 1 OR b.k = a.k + 3 CREATE (a)-[:KNOWS {since: 2000 + a.k}]->(b)",
    "MATCH (a:P), (b:P) WHERE b.k = (a.k * 5) % 12 + 1 CREATE (a)-[:LIKES]->(b)",
    "CREATE (:Open {x: 1, l: [1, 2]})-[:HAS {w: 2}]->(:Open:Two {x: 'a'})-[:HAS]->(:Two {y: 2.5})",
    "CREATE INDEX by_n FOR (p:P) ON (p.n)",
    "CREATE HASH INDEX by_name FOR (p:P) ON (p.name)",
    "CREATE INDEX since FOR ()-[r:KNOWS]-() ON (r.since)",
    "CREATE CONSTRAINT one_x FOR (o:Open) REQUIRE o.x IS UNIQUE",
};

static const char *const query_texts[] = {
    "RETURN 1 + 2 * 3 AS a, -(4 - 5) AS b, 7 % 3 AS c, 2 ^ 3 AS d, 'x' + 'y' AS e, [1, 2] + 3 AS f, {a: 1, b: [null, "
    "true]} AS g",
    "RETURN 0x1f AS a, 0o17 AS b, 1e3 AS c, 1_000 AS d, 'it\\'s' AS e, \"\\u0041\\n\" AS `p q`",
    "RETURN CASE $p WHEN 1 THEN 'one' WHEN 3, 4 THEN 'few' ELSE 'many' END AS a, CASE WHEN $p > 2 THEN 1 END AS b",
    "RETURN CASE $p WHEN < 2 THEN 'low' WHEN IS NULL THEN 'none' ELSE 'high' END AS a",
    "RETURN [x IN range(1, 5) WHERE x % 2 = 1 | x * x] AS a, [x IN [1, 2]] AS b, [1, 2, 3][0..2] AS c, [1, 2, 3][-1] "
    "AS d",
    "RETURN reduce(s = 0, x IN [1, 2, 3] | s + x) AS a, all(x IN [1, 2] WHERE x > 0) AS b, any(x IN [] WHERE x) AS "
    "c, "
    "none(x IN [1] WHERE x = 2) AS d, single(x IN [1, 1] WHERE x = 1) AS e",
    "RETURN 1 < 2 <= 3 AS a, NOT (true XOR false) AS b, null IS NULL AS c, 1 IN [1, null] AS d, 'abc' STARTS WITH "
    "'a' AS e, "
    "'abc' ENDS WITH 'c' AS f, 'abc' CONTAINS 'b' AS g, 'abc' =~ 'a.c' AS h",
    "RETURN 1 IS :: INTEGER AS a, 'x' IS NOT TYPED STRING NOT NULL AS b, [1] IS :: LIST<INTEGER> AS c, 'a' IS NFC "
    "NORMALIZED AS d",
    "RETURN date('2024-02-29') + duration('P1M2DT3H') AS a, duration.between(date('2024-01-01'), date('2024-03-05')) "
    "AS b, "
    "datetime('2024-01-01T00:00:00+01:00').epochSeconds AS c, localtime('12:30').hour AS d, date({year: 2024, week: "
    "3}) AS e, "
    "date.truncate('month', date('2024-02-29')) AS f",
    "RETURN point.distance(point({x: 1, y: 2}), point({x: 4, y: 6})) AS a, toString(point({longitude: 1, latitude: "
    "2})) AS b",
    "RETURN toUpper('a') AS a, substring('hello', 1, 3) AS b, split('a,b', ',') AS c, replace('aa', 'a', 'b') AS d, "
    "trim(BOTH 'x' FROM 'xax') AS e, "
    "toInteger('12') AS f, toFloat('1.5') AS g, coalesce(null, 2) AS h, size('abc') AS i, keys({z: 1}) AS j, "
    "reverse([1, 2]) AS k",
    "UNWIND [3, 1, 2] AS x WITH x ORDER BY x DESC SKIP 1 LIMIT 1 RETURN x",
    "UNWIND [1, 1, 2] AS x WITH DISTINCT x WHERE x > 0 RETURN collect(x) AS l, count(*) AS n, sum(x) AS s, avg(x) AS "
    "a, min(x) AS i, max(x) AS m, "
    "stDev(x) AS d, percentileCont(x, 0.5) AS p, count(DISTINCT x % 2) AS u",
    "RETURN 1 AS a UNION ALL RETURN 2 AS a UNION ALL RETURN 1 AS a",
    "RETURN 1 AS a EXCEPT RETURN 2 AS a",
    "RETURN 1 AS a INTERSECT RETURN 1 AS a",
    "LET x = 2 LET y = x + 1 FILTER y > 2 RETURN x, y",
    "FOR x IN [1, 2] WITH OFFSET i RETURN x, i",
    "RETURN 1 AS x NEXT RETURN x + 1 AS y",
    "MATCH (p:P) RETURN p.k AS k, p.name AS name, p ORDER BY p.n, k",
    "MATCH (p:P) WHERE p.n >= 3 AND p.n < 9 RETURN p.k AS k ORDER BY k",
    "MATCH (p:P {k: $p}) RETURN p {.k, .name, twice: p.n * 2, .*} AS m",
    "MATCH (p:P) WHERE p.k IN [1, 3, 5] OR p.name = 'n2' RETURN p.k AS k ORDER BY k",
    "MATCH (p:P) WHERE p.name = 'n1' RETURN p.name AS name, count(*) AS n, sum(p.f) AS f, collect(p.k) AS ks",
    "MATCH (p:P) RETURN p.name AS name, count(DISTINCT p.n) AS n, max(p.d) AS d ORDER BY n DESC, name LIMIT 3",
    "MATCH (p:P) WHERE exists { (p)-[:LIKES]->(q) WHERE q.n > 3 } AND NOT (p)-[:KNOWS]->(:P {k: 4}) RETURN count(*) "
    "AS n",
    "MATCH (p:P) RETURN p.k AS k, COUNT { (p)-[:KNOWS]->() } AS n, [(p)-[:LIKES]->(q) WHERE q.k > 2 | q.k] AS l, "
    "COLLECT { MATCH (p)<-[:LIKES]-(x) "
    "RETURN x.k AS xk ORDER BY xk } AS c ORDER BY k",
    "MATCH (a:P)-[r:KNOWS]->(b:P) WHERE r.since > 2003 RETURN a.k AS a, r.since AS s, b.k AS b, type(r) AS t ORDER "
    "BY a, b",
    "MATCH ()-[r:KNOWS {since: 2004}]->(b) RETURN b.k AS k ORDER BY k",
    "MATCH (a:P)-[:KNOWS]->(b)-[:LIKES]->(c)<-[:KNOWS]-(a) RETURN a.k AS a, b.k AS b, c.k AS c ORDER BY a, b, c",
    "MATCH (a:P)-[:KNOWS]->(b)-[:KNOWS]->(c), (a)-[:KNOWS]->(c) RETURN count(*) AS n",
    "MATCH (a:P)-[:KNOWS]-(b)-[:KNOWS]-(c) WHERE NOT (a)-[:LIKES]-(c) AND a <> c RETURN count(*) AS n",
    "MATCH (a:P)-[:KNOWS|LIKES]->(b:P)-[:KNOWS]->(c:P) WHERE a.n > 2 RETURN a.name AS name, count(*) AS n ORDER BY "
    "name",
    "MATCH (a:P {k: 1})-[:KNOWS*1..3]->(b) RETURN DISTINCT b.k AS k ORDER BY k",
    "MATCH (a:P {k: 1})-[:KNOWS*0..]->(b:P) RETURN count(DISTINCT b) AS n",
    "MATCH p = shortestPath((a:P {k: 1})-[:KNOWS*]-(b:P {k: 9})) RETURN length(p) AS n, [x IN nodes(p) | x.k] AS ks",
    "MATCH p = allShortestPaths((a:P {k: 2})-[:KNOWS*..6]->(b:P {k: 8})) RETURN count(p) AS n",
    "MATCH p = ANY SHORTEST (a:P {k: 1})-[:KNOWS]->+(b:P {k: 7}) RETURN length(p) AS n",
    "MATCH p = SHORTEST 2 (a:P {k: 1})((x)-[r:KNOWS]->(y) WHERE x.k < y.k){1,4}(b:P {k: 8}) RETURN length(p) AS n, "
    "size(r) AS m ORDER BY n",
    "MATCH ACYCLIC (a:P {k: 1})-[:LIKES]-{1,3}(b) RETURN count(*) AS n",
    "MATCH (a:P) OPTIONAL MATCH (a)-[r:LIKES]->(b:P) WHERE b.n > 5 RETURN a.k AS k, count(r) AS n, collect(b.k) AS l "
    "ORDER BY k",
    "MATCH (a:P), (b:P) WHERE a.n = b.n AND a.k < b.k RETURN a.k AS a, b.k AS b ORDER BY a, b",
    "MATCH (a:P) MATCH (b:P) WHERE a.name = b.name AND a.k + 5 = b.k RETURN a.k AS a ORDER BY a",
    "MATCH (a:P) CALL (a) { MATCH (a)-[:KNOWS]->(b) RETURN max(b.n) AS best } RETURN a.k AS k, best ORDER BY k LIMIT "
    "4",
    "MATCH (a:P) CALL { WITH a RETURN a.n + 1 AS m UNION ALL WITH a RETURN 0 AS m } RETURN sum(m) AS s",
    "MATCH (n:Open|Two) RETURN labels(n) AS l, properties(n) AS p, keys(n) AS k ORDER BY l",
    "MATCH (n:Open&!Two) RETURN n.x AS x, n.l AS l",
    "MATCH (n:$('Two')) RETURN n.y AS y ORDER BY y",
    "MATCH (a)-[r:HAS]->(b) RETURN a.x AS x, r.w AS w, startNode(r) = a AS s, elementId(b) IS NOT NULL AS e ORDER BY "
    "w",
    "CREATE (a:Open {x: 7})-[:HAS {w: 1}]->(:Two {y: [1, 2]}) RETURN a.x AS x",
    "MERGE (a:Open {x: 8}) ON CREATE SET a.new = true ON MATCH SET a.old = true RETURN a.new AS n, a.old AS o",
    "MATCH (a:P {k: 1}), (b:P {k: 12}) MERGE (a)-[r:KNOWS]->(b) ON CREATE SET r.since = 1 RETURN r.since AS s",
    "MATCH (p:P) WHERE p.k < 4 SET p.n = p.n + 1, p.name = 'set' RETURN p.k AS k, p.n AS n, p.name AS s ORDER BY k",
    "MATCH (o:Open) SET o += {z: 1, x: null}, o:More REMOVE o.l, o:Two RETURN labels(o) AS l, properties(o) AS p "
    "ORDER BY l",
    "MATCH (o:Two {y: 2.5}) SET o = {w: 4} RETURN o.w AS w, o.y AS y",
    "MATCH (p:P {k: 12}) DETACH DELETE p",
    "MATCH (a:P {k: 2})-[r:LIKES]->() DELETE r",
    "MATCH (p:P) WHERE p.k = 3 FOREACH (x IN [1, 2] | SET p.n = x CREATE (:Two {y: x}))",
    "UNWIND range(100, 103) AS k CREATE (p:P {k: k, name: 'new'}) WITH p MATCH (q:P {k: 1}) CREATE (p)-[:KNOWS]->(q) "
    "RETURN count(*) AS n",
    "CALL db.labels() YIELD label RETURN label ORDER BY label",
    "CALL db.statistics('P')",
    "CALL algo.pageRank('KNOWS', {label: 'P'}) YIELD node, score RETURN count(*) AS n, sum(score) > 0 AS positive",
    "CALL algo.components('KNOWS') YIELD node, component RETURN count(DISTINCT component) AS n",
};

/* Those that have no plan to explain. */
static const char *const schema_texts[] = {
    "CREATE NODE LABEL Q (id INT, t STRING NOT NULL, u FLOAT DEFAULT 1.5, PRIMARY KEY (id))",
    "CREATE EDGE LABEL R (FROM P TO P, w FLOAT)",
    "ALTER NODE LABEL P ADD COLUMN extra STRING",
    "CREATE INDEX by_f IF NOT EXISTS FOR (p:P) ON (p.f, p.name)",
    "DROP INDEX by_n",
    "CREATE CONSTRAINT keyed FOR (t:Two) REQUIRE t.z IS UNIQUE",
    "DROP CONSTRAINT one_x",
    "SHOW INDEXES YIELD name WHERE name STARTS WITH 'by' RETURN name ORDER BY name",
    "SHOW CONSTRAINTS",
    "SHOW LABELS",
    "SHOW FUNCTIONS YIELD name WHERE name STARTS WITH 'to' RETURN count(*) AS n",
    "SHOW SCHEMA",
};

#endif
