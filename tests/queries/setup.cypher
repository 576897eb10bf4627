// The workspace that suite.cypher asks. Paths are relative to the root of the repository.
CREATE NODE LABEL Player (game STRING, team STRING, name STRING, touches INT, PRIMARY KEY (game, name));
CREATE NODE LABEL Event (seq INT, team STRING, type STRING, subtype STRING, period INT, start_time DOUBLE,
                         from_player STRING, to_player STRING, start_x DOUBLE, start_y DOUBLE)
    VIRTUAL FROM PARTITION '../shared/data/football/events/{game}.parquet';
CREATE EDGE LABEL PASSED (FROM Player TO Player, event INT, at DOUBLE);
CREATE INDEX FOR (p:Player) ON (p.name);
CREATE HASH INDEX FOR (p:Player) ON (p.team, p.game);
CREATE INDEX FOR (p:Player) ON (p.touches);
CREATE INDEX FOR ()-[r:PASSED]-() ON (r.at);
CREATE CONSTRAINT FOR (p:Player) REQUIRE (p.game, p.name) IS KEY;
COPY Player FROM '../shared/data/football/players.csv';
MATCH (e:Event {type: 'PASS'}), (a:Player {game: e.game, name: e.from_player}), (b:Player {game: e.game, name: e.to_player})
    CREATE (a)-[:PASSED {event: e.seq, at: e.start_time}]->(b);
CREATE NODE LABEL Flight (ts TIMESTAMP, delay INT, distance INT, origin STRING, destination STRING)
    VIRTUAL FROM PARTITION '../shared/data/flights/month={month}/flights.parquet';
CREATE NODE LABEL Airport (iata STRING, name STRING, city STRING, state STRING, country STRING, latitude DOUBLE,
                           longitude DOUBLE, PRIMARY KEY (iata));
COPY Airport FROM '../shared/data/flights/airports.csv' (HEADER true);
CREATE EDGE LABEL SHOT (FROM Player TO Event);
MATCH (e:Event), (p:Player) WHERE e.type = 'SHOT' AND p.game = e.game AND p.name = e.from_player CREATE (p)-[:SHOT]->(e);
MATCH (p:Player) WHERE p.touches > 100 SET p.touches = p.touches - 1;
MATCH (p:Player {game: 'game3'}) WHERE p.touches < 20 DETACH DELETE p;
