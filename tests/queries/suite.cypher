// Diverse read queries over the workspace of setup.cypher. Each is one statement that ends with ';' at the end of a line.
// Whoever adds one: it must answer (not fail), and most have no ORDER BY on purpose, because the order is defined anyway.
MATCH (e:Event) RETURN count(*);
MATCH (e:Event) RETURN e.game, e.seq, e.type, e.subtype, e.start_x;
MATCH (e:Event) RETURN sum(e.start_x), sum(e.start_y), sum(e.start_time), avg(e.start_x), avg(e.start_time);
MATCH (e:Event) RETURN e.type, sum(e.start_x), avg(e.start_y), count(e.subtype), min(e.start_time), max(e.start_time);
MATCH (e:Event) RETURN e.game, e.team, e.type, e.period, count(*);
MATCH (e:Event) RETURN e.game, e.from_player, collect(e.seq);
MATCH (e:Event) WHERE e.type = 'SHOT' RETURN collect(e.start_x), collect(DISTINCT e.subtype);
MATCH (e:Event) RETURN collect(DISTINCT e.type), count(DISTINCT e.from_player);
MATCH (e:Event) WHERE e.game = 'game2' AND e.type = 'SHOT' RETURN e.period, count(*);
MATCH (e:Event) WHERE e.start_x > 0.9 RETURN e.game, e.seq LIMIT 17;
MATCH (e:Event) WHERE e.subtype IS NULL AND e.to_player IS NOT NULL RETURN e.seq SKIP 1000 LIMIT 33;
MATCH (e:Event) RETURN e.seq LIMIT 1;
MATCH (e:Event) RETURN e.seq SKIP 2047 LIMIT 3;
MATCH (e:Event) RETURN DISTINCT e.from_player, e.to_player;
MATCH (e:Event) RETURN DISTINCT e.subtype LIMIT 5;
MATCH (e:Event) RETURN e.type AS t, e.seq AS s ORDER BY t LIMIT 40;
MATCH (e:Event) RETURN e.seq ORDER BY e.period, e.team LIMIT 100;
MATCH (e:Event) RETURN e.game, e.seq ORDER BY e.start_x DESC, e.start_y, e.seq LIMIT 50;
MATCH (e:Event) RETURN e.game, e.seq, e.subtype ORDER BY e.subtype SKIP 3000 LIMIT 20;
MATCH (e:Event) WHERE e.subtype STARTS WITH 'HEAD' OR e.subtype ENDS WITH 'WON' RETURN e.subtype, count(*), sum(e.start_x);
MATCH (e:Event) WHERE e.subtype CONTAINS '-' AND NOT e.subtype CONTAINS 'LOST' RETURN e.subtype, min(e.seq), max(e.seq);
MATCH (e:Event) WHERE e.type IN ['SHOT', 'CARD', 'SET PIECE'] RETURN e.game, e.type, e.start_time;
MATCH (e:Event) WHERE e.seq % 97 = 5 RETURN e.seq, e.start_x * 2 - e.start_y / 3, toUpper(e.team), size(e.type);
MATCH (e:Event) RETURN CASE WHEN e.start_x < 0.33 THEN 'left' WHEN e.start_x < 0.67 THEN 'middle' WHEN e.start_x IS NULL
    THEN 'nowhere' ELSE 'right' END AS third, count(*), avg(e.start_y);
MATCH (e:Event) WITH e.from_player AS p, count(*) AS n, avg(e.start_x) AS x WHERE n > 50 RETURN p, n, x;
MATCH (e:Event) WITH e.game AS g, e.type AS t, count(*) AS n WITH g, max(n) AS most, sum(n) AS total RETURN g, most, total;
MATCH (e:Event) WITH e ORDER BY e.start_time DESC, e.seq LIMIT 25 RETURN e.game, collect(e.seq), sum(e.start_time);
MATCH (p:Player) RETURN p.game, p.team, p.name, p.touches;
MATCH (p:Player) RETURN p LIMIT 7;
MATCH (p:Player {game: 'game1', name: 'Player19'}) RETURN p.touches, labels(p), properties(p);
MATCH (p:Player) WHERE p.touches > 80 RETURN p.team, count(*), sum(p.touches), avg(p.touches), collect(p.name);
MATCH (a:Player)-[p:PASSED]->(b:Player) RETURN a.name, b.name, count(*), sum(p.at);
MATCH (a:Player)-[p:PASSED]->(b:Player) RETURN a.game, avg(p.at), sum(p.at), min(p.event), max(p.event);
MATCH (a:Player)-[p:PASSED]->(b:Player) RETURN a.name, p.event LIMIT 9;
MATCH (a:Player)-[p:PASSED]->(b:Player) WHERE a.game = 'game1'
    RETURN a.name, b.name, count(*) AS passes ORDER BY passes DESC, a.name, b.name LIMIT 5;
MATCH (a:Player)-[p:PASSED]->(b:Player) RETURN a.name, b.name, count(*) AS passes ORDER BY passes DESC LIMIT 30;
MATCH (b:Player)<-[p:PASSED]-(a:Player) WHERE p.at < 600.0 RETURN b.game, b.name, collect(a.name);
MATCH (a:Player {game: 'game2'})-[p:PASSED]-(b:Player) RETURN a.name, count(p), count(DISTINCT b.name);
MATCH (a:Player)-[:PASSED]->(b:Player)-[:PASSED]->(c:Player) RETURN a.game, count(*);
MATCH (a:Player {game: 'game1'})-[:PASSED]->(b:Player)-[:PASSED]->(c:Player) WHERE a.team = 'Home'
    RETURN a.name, c.name, count(*) AS n;
MATCH (a:Player)-[p:PASSED]->(b:Player)-[q:PASSED]->(a) WHERE q.event = p.event + 1 RETURN a.game, a.name, b.name, p.at, q.at;
MATCH (a:Player)-[p:PASSED]->(b:Player)-[q:PASSED]->(c:Player) WHERE q.at - p.at < 2.0 AND q.at > p.at
    RETURN a.game, a.name, b.name, c.name, q.at - p.at LIMIT 100;
MATCH (a:Player {game: 'game2'})-[:PASSED]->(b)-[:PASSED]->(c)-[:PASSED]->(d {name: 'Player2'}) RETURN a.name, count(*);
MATCH (p:Player)-[:SHOT]->(e:Event) RETURN p.game, p.name, count(*), avg(e.start_x), collect(e.subtype);
MATCH (p:Player)-[s:SHOT]->(e:Event) WHERE e.subtype CONTAINS 'GOAL' RETURN p.name, p.team, e.game, e.period, e.start_time;
MATCH (e:Event), (p:Player) WHERE e.from_player = p.name AND e.game = p.game AND e.type = 'SHOT'
    RETURN p.name, e.seq, e.start_x;
MATCH (e:Event), (p:Player) WHERE e.from_player = p.name RETURN e.type, count(*), sum(e.start_x);
MATCH (e:Event {type: 'CARD'}), (p:Player {team: 'Home'}) RETURN e.seq, p.name LIMIT 300;
MATCH (a:Player), (b:Player) WHERE a.touches < b.touches AND a.team = b.team RETURN a.game, b.game, count(*);
MATCH (p:Player) OPTIONAL MATCH (p)-[s:PASSED]->(q:Player) RETURN p.game, p.name, count(s), sum(s.at);
MATCH (p:Player) OPTIONAL MATCH (e:Event {game: p.game, from_player: p.name, type: 'SHOT'}) RETURN p.name, p.game, e.seq;
MATCH (p:Player) RETURN p.team AS x UNION MATCH (e:Event) RETURN e.type AS x;
MATCH (p:Player) WHERE p.touches > 120 RETURN p.name AS x UNION ALL MATCH (e:Event {type: 'CARD'}) RETURN e.from_player AS x;
UNWIND range(1, 5000) AS i RETURN sum(i), avg(i * 0.1), sum(1.0 / i), count(DISTINCT i % 13);
UNWIND [3, 1, null, 2.5, 'x', true, [1, 2]] AS v RETURN v;
UNWIND ['game3', 'game1'] AS g MATCH (e:Event) WHERE e.game = g AND e.type = 'SHOT' RETURN g, e.seq, e.start_y;
MATCH (f:Flight) RETURN f.month, count(*), sum(f.delay), avg(f.distance), min(f.ts), max(f.ts);
MATCH (f:Flight) RETURN f.origin, count(*), avg(f.delay), collect(f.delay);
MATCH (f:Flight) WHERE f.ts >= localdatetime('2001-02-10T06:00:00') AND f.ts < localdatetime('2001-02-10T09:00:00')
    RETURN f.ts, f.origin, f.destination, f.delay;
MATCH (f:Flight) WHERE f.month = '2001-03' AND f.delay > 100 RETURN f.origin, f.destination, f.delay LIMIT 50;
MATCH (f:Flight), (a:Airport {iata: f.origin}) RETURN a.state, count(*), avg(f.delay), sum(a.latitude);
MATCH (f:Flight), (a:Airport {iata: f.origin}), (b:Airport {iata: f.destination}) WHERE a.state = b.state
    RETURN a.state, count(*), avg(f.distance * 1.609344);
MATCH (f:Flight) RETURN f.origin, f.destination, f.ts ORDER BY f.delay DESC LIMIT 25;
MATCH (a:Airport) RETURN a.state, count(*), avg(a.latitude), sum(a.longitude), min(a.name), max(a.city);
MATCH (f:Flight), (g:Flight) WHERE f.destination = g.origin AND g.destination = f.origin AND f.month = '2001-01'
    AND g.month = '2001-02' AND f.delay > 90 AND g.delay > 90 RETURN f.origin, f.destination, f.delay, g.delay;
EXPLAIN MATCH (e:Event) WHERE e.game = 'game2' AND e.type = 'SHOT' RETURN e.period, count(*);
MATCH (a:Player WHERE a.touches > 150)-[r:PASSED WHERE r.at < 900.0]->{1,2}(b:Player|Airport) RETURN a.name, b.name, size(r);
MATCH (a:Player WHERE a.touches > 120) ((x)-[r:PASSED]->(y)-[q:PASSED]->(z) WHERE r.at < 400.0 AND r.at < q.at AND q.at - r.at < 2.0){1,2} (b:!Airport)
    RETURN a.name, b.name, [e IN r | e.event], [n IN y | n.name];
MATCH p = ANY SHORTEST (a:Player {game: 'game1'})-[:PASSED]->+(b:Player {game: 'game1'}) RETURN a.name, b.name, [r IN relationships(p) | r.event];
MATCH (a:Player {game: 'game2'}) RETURN a.name, [k IN [300.0, 900.0] | COUNT { (a)-[r:PASSED]->() WHERE r.at < k }],
    COLLECT { MATCH (a)-[r:PASSED]->(b) RETURN b.name ORDER BY r.at LIMIT 2 };
MATCH (a:Player) CALL (a) { MATCH (a)-[r:PASSED WHERE r.at < 60.0]->(b) RETURN b.name AS c, r.at AS t } RETURN a.name, c, t;
MATCH (p:Player) WHERE p.name STARTS WITH 'Player1' AND p.name < 'Player15' RETURN p.game, p.name, p.touches;
MATCH (p:Player {team: 'Home', game: 'game2'}) RETURN p.name, p.touches;
MATCH (p:Player) WHERE p.touches > 130 RETURN p.name, p.touches;
MATCH (a)-[r:PASSED]->(b) WHERE r.at >= 100 AND r.at < 160 RETURN a.name, b.name, r.event, r.at;
MATCH (a:Player)-[r:PASSED]-(b) WHERE r.at IN [14.44, 100.0] OR r.at < 20 RETURN a.name, b.name, r.event;
UNWIND ['Player3', 'Player11', 'Nobody'] AS x OPTIONAL MATCH (p:Player {name: x}) RETURN x, p.game, p.team;
MATCH (e:Event {type: 'CARD'}) MATCH (p:Player {name: e.from_player}) RETURN e.seq, p.game, p.touches;
