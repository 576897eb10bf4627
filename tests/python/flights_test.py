"""Flights in key=value directories joined with owned airports, and the OpenFlights tables by COPY: every answer is compared
with DuckDB over the same files.

    python tests/python/flights_test.py [WORD]      the program is WORLDGRAPH, or build/release/worldgraph
"""
import sys

from kit import DATA, FLIGHTS, OPENFLIGHTS, Suite, Workspace, check, compare, equal, need_data, need_duckdb

need_data("flights/month=2001-01/flights.parquet", "flights/airports.csv", "openflights/routes.dat")
duckdb, _ = need_duckdb()

COLUMNS = "(ts TIMESTAMP, delay INT, distance INT, origin STRING, destination STRING)"
# In the order of the file; N is read as text and \N as null.
PORT = ["id", "name", "city", "country", "iata", "icao", "latitude", "longitude", "altitude", "zone", "dst", "tz", "type",
        "source"]
LINE = ["airline", "airline_id", "source", "source_id", "target", "target_id", "codeshare", "stops", "equipment"]


def prepare(scratch):
    ws = Workspace(scratch / "ws")
    for text in (
            f"CREATE NODE LABEL Flight {COLUMNS} VIRTUAL FROM PARTITION '{FLIGHTS}/month={{month}}/flights.parquet'",
            f"CREATE NODE LABEL Found VIRTUAL FROM PARTITION '{FLIGHTS}/'",
            "CREATE NODE LABEL Airport (iata STRING, name STRING, city STRING, state STRING, country STRING,"
            " latitude DOUBLE, longitude DOUBLE, PRIMARY KEY (iata))",
            f"COPY Airport FROM '{FLIGHTS}/airports.csv' (HEADER true)",
            "CREATE NODE LABEL Port (id INT, name STRING, city STRING, country STRING, iata STRING, icao STRING,"
            " latitude DOUBLE, longitude DOUBLE, altitude INT, zone STRING, dst STRING, tz STRING, type STRING,"
            " source STRING, PRIMARY KEY (id))",
            f"COPY Port FROM '{OPENFLIGHTS}/airports.dat' (HEADER false, NULL '\\\\N', COLUMNS ({', '.join(PORT)}))",
            "CREATE NODE LABEL Line (airline STRING, airline_id INT, source STRING, source_id INT, target STRING,"
            " target_id INT, codeshare STRING, stops INT, equipment STRING)",
            f"COPY Line FROM '{OPENFLIGHTS}/routes.dat' (HEADER false, NULL '\\\\N', COLUMNS ({', '.join(LINE)}))",
            "CREATE EDGE LABEL ROUTE (FROM Port TO Port, airline STRING, stops INT)",
            "MATCH (l:Line), (a:Port {id: l.source_id}), (b:Port {id: l.target_id})"
            " CREATE (a)-[:ROUTE {airline: l.airline, stops: l.stops}]->(b)"):
        ws.do(text)
    return ws, duck_tables()


def duck_tables():
    duck = duckdb.connect()
    duck.sql("SET threads = 1")
    duck.sql(f"CREATE TABLE flight AS SELECT * FROM read_parquet('{DATA}/flights/*/*.parquet', hive_partitioning = true,"
             " hive_types = {'month': VARCHAR})")
    text = "all_varchar = true, nullstr = 'never such a text'"
    duck.sql(f"CREATE TABLE airport AS SELECT iata, name, city, state, country, latitude::DOUBLE AS latitude,"
             f" longitude::DOUBLE AS longitude FROM read_csv('{DATA}/flights/airports.csv', header = true, {text})")
    for table, file, names in (("port", "airports", PORT), ("line", "routes", LINE)):
        columns = ", ".join(f"{name!r}: 'VARCHAR'" for name in names)
        ints = {"id", "altitude", "airline_id", "source_id", "target_id", "stops"}
        casts = ", ".join(f"nullif({n}, '\\N')" + ("::BIGINT" if n in ints else "::DOUBLE" if n.endswith("itude") else "")
                          + f" AS {n}" for n in names)
        duck.sql(f"CREATE TABLE {table} AS SELECT {casts} FROM read_csv('{DATA}/openflights/{file}.dat', header = false,"
                 f" delim = ',', quote = '\"', escape = '\"', columns = {{{columns}}}, {text})")
    duck.sql("CREATE TABLE route AS SELECT row_number() OVER () AS id, l.airline, l.stops, a.id AS src, b.id AS dst FROM line l"
             " JOIN port a ON a.id = l.source_id JOIN port b ON b.id = l.target_id")
    return duck


suite = Suite("flights", prepare)


@suite.case
def both_forms_of_the_path_read_the_same(ws, duck):
    for label in ("Flight", "Found"):
        compare(ws, duck, f"MATCH (f:{label}) RETURN f.month, count(*), sum(f.delay), min(f.ts), max(f.ts) ORDER BY f.month",
                "SELECT month, count(*), sum(delay), min(ts), max(ts) FROM flight GROUP BY 1 ORDER BY 1")
    one, two = (ws.rows(f"MATCH (f:{label}) RETURN f.ts, f.delay, f.distance, f.origin, f.destination, f.month")
                for label in ("Flight", "Found"))
    check(one == two and len(one) == 20000, "the two labels differ")


@suite.case
def every_flight_is_the_files(ws, duck):
    count = compare(ws, duck, "MATCH (f:Flight) RETURN f.month, f.ts, f.origin, f.destination, f.delay, f.distance"
                    " ORDER BY f.ts, f.origin, f.destination, f.delay, f.distance",
                    "SELECT month, ts, origin, destination, delay, distance FROM flight ORDER BY ts, origin, destination,"
                    " delay, distance")
    equal(count, 20000)


@suite.case
def timestamps_compare(ws, duck):
    for mine, theirs in (
            ("f.ts < localdatetime('2001-01-15T00:00:00')", "ts < TIMESTAMP '2001-01-15'"),
            ("f.ts >= localdatetime('2001-02-28T12:30:00') AND f.ts < localdatetime('2001-03-02T00:00:00')",
             "ts >= TIMESTAMP '2001-02-28 12:30:00' AND ts < TIMESTAMP '2001-03-02'"),
            ("f.ts = localdatetime('2001-01-01T00:47:00')", "ts = TIMESTAMP '2001-01-01 00:47:00'"),
            ("f.ts <> localdatetime('2001-01-01T00:47:00') AND f.month = '2001-01'",
             "ts <> TIMESTAMP '2001-01-01 00:47:00' AND month = '2001-01'"),
            ("localdatetime('2001-03-31T20:00:00') <= f.ts", "ts >= TIMESTAMP '2001-03-31 20:00:00'")):
        compare(ws, duck, f"MATCH (f:Flight) WHERE {mine} RETURN count(*), sum(f.distance), min(f.ts), max(f.ts)",
                f"SELECT count(*), sum(distance), min(ts), max(ts) FROM flight WHERE {theirs}")
    ws.fails("MATCH (f:Flight) WHERE f.ts < '2001-01-15' RETURN count(*)", 1, "WG_E_TYPE", "^")


@suite.case
def months_are_pruned(ws, duck):
    for label in ("Flight", "Found"):
        plan = str(ws.rows(f"EXPLAIN MATCH (f:{label}) WHERE f.month = '2001-02' AND f.delay > 60 RETURN count(*)"))
        check("files 1 of 3" in plan, plan)
        plan = str(ws.rows(f"EXPLAIN MATCH (f:{label}) WHERE f.month >= '2001-02' RETURN count(*)"))
        check("files 2 of 3" in plan, plan)
        compare(ws, duck, f"MATCH (f:{label}) WHERE f.month = '2001-02' AND f.delay > 60 RETURN count(*)",
                "SELECT count(*) FROM flight WHERE month = '2001-02' AND delay > 60")


@suite.case
def delays_by_origin(ws, duck):
    compare(ws, duck, "MATCH (f:Flight) RETURN f.origin AS o, count(*) AS n, avg(f.delay) AS mean, min(f.delay) AS lo,"
            " max(f.delay) AS hi, sum(f.distance) AS far, count(DISTINCT f.destination) AS to ORDER BY n DESC, o",
            "SELECT origin, count(*) AS n, avg(delay), min(delay), max(delay), sum(distance), count(DISTINCT destination)"
            " FROM flight GROUP BY 1 ORDER BY n DESC, 1")
    compare(ws, duck, "MATCH (f:Flight) WITH f.origin AS o, avg(f.delay) AS mean, count(*) AS n WHERE n >= 300 AND mean > 8"
            " RETURN o, mean ORDER BY mean DESC",
            "SELECT origin, avg(delay) AS mean FROM flight GROUP BY 1 HAVING count(*) >= 300 AND mean > 8 ORDER BY mean DESC")


@suite.case
def flights_join_airports(ws, duck):
    compare(ws, duck, "MATCH (f:Flight), (a:Airport {iata: f.origin}) RETURN a.state, count(*) AS n, avg(f.delay) AS mean"
            " ORDER BY a.state",
            "SELECT a.state, count(*), avg(f.delay) FROM flight f JOIN airport a ON a.iata = f.origin GROUP BY 1 ORDER BY 1")
    compare(ws, duck, "MATCH (f:Flight), (a:Airport {iata: f.origin}), (b:Airport {iata: f.destination})"
            " WHERE a.state = 'CA' AND b.state = 'TX' RETURN a.city, b.city, count(*) AS n, max(f.delay) AS worst"
            " ORDER BY a.city, b.city",
            "SELECT a.city, b.city, count(*), max(f.delay) FROM flight f JOIN airport a ON a.iata = f.origin JOIN airport b"
            " ON b.iata = f.destination WHERE a.state = 'CA' AND b.state = 'TX' GROUP BY 1, 2 ORDER BY 1, 2")
    compare(ws, duck, "MATCH (a:Airport) WHERE a.state = 'HI' OPTIONAL MATCH (f:Flight {origin: a.iata}) RETURN a.iata,"
            " count(f) AS n ORDER BY a.iata",
            "SELECT a.iata, count(f.ts) FROM airport a LEFT JOIN flight f ON f.origin = a.iata WHERE a.state = 'HI'"
            " GROUP BY 1 ORDER BY 1")


@suite.case
def virtual_joins_virtual(ws, duck):
    compare(ws, duck, "MATCH (f:Flight), (g:Found) WHERE f.destination = g.origin AND f.origin = g.destination AND"
            " f.month = '2001-01' AND g.month = '2001-03' RETURN count(*)",
            "SELECT count(*) FROM flight f JOIN flight g ON f.destination = g.origin AND f.origin = g.destination"
            " WHERE f.month = '2001-01' AND g.month = '2001-03'")


@suite.case
def airports_were_copied_cell_by_cell(ws, duck):
    count = compare(ws, duck, "MATCH (a:Airport) RETURN a.iata, a.name, a.city, a.state, a.country, a.latitude, a.longitude"
                    " ORDER BY a.iata",
                    "SELECT iata, name, city, state, country, latitude, longitude FROM airport ORDER BY iata")
    equal(count, 3376)


@suite.case
def openflights_airports_were_copied(ws, duck):
    compare(ws, duck, "MATCH (p:Port) RETURN " + ", ".join("p." + c for c in PORT) + " ORDER BY p.id",
            f"SELECT {', '.join(PORT)} FROM port ORDER BY id")
    compare(ws, duck, "MATCH (p:Port) RETURN count(*), count(p.iata), count(p.icao), count(DISTINCT p.country)",
            "SELECT count(*), count(iata), count(icao), count(DISTINCT country) FROM port")


@suite.case
def openflights_routes_were_copied(ws, duck):
    count = compare(ws, duck, "MATCH (l:Line) RETURN " + ", ".join("l." + c for c in LINE), f"SELECT {', '.join(LINE)} FROM line",
                    ordered=False)
    equal(count, 67663)
    compare(ws, duck, "MATCH (l:Line) WHERE l.source_id IS NULL RETURN count(*), count(DISTINCT l.source)",
            "SELECT count(*), count(DISTINCT source) FROM line WHERE source_id IS NULL")


@suite.case
def routes_were_linked(ws, duck):
    compare(ws, duck, "MATCH (:Port)-[r:ROUTE]->(:Port) RETURN count(*), count(DISTINCT r.airline), sum(r.stops)",
            "SELECT count(*), count(DISTINCT airline), sum(stops) FROM route")
    compare(ws, duck, "MATCH (a:Port)-[r:ROUTE]->(b:Port) WHERE a.country <> b.country RETURN a.country, b.country,"
            " count(*) AS n ORDER BY n DESC, a.country, b.country LIMIT 50",
            "SELECT a.country, b.country, count(*) AS n FROM route r JOIN port a ON a.id = r.src JOIN port b ON b.id = r.dst"
            " WHERE a.country <> b.country GROUP BY 1, 2 ORDER BY n DESC, 1, 2 LIMIT 50")


@suite.case
def one_and_two_hops(ws, duck):
    compare(ws, duck, "MATCH (a:Port {iata: 'HEL'})-[:ROUTE]->(b) RETURN count(*), count(DISTINCT b.iata)",
            "SELECT count(*), count(DISTINCT b.iata) FROM route r JOIN port a ON a.id = r.src JOIN port b ON b.id = r.dst"
            " WHERE a.iata = 'HEL'")
    two = "route p JOIN route q ON p.dst = q.src AND p.id <> q.id"
    compare(ws, duck, "MATCH (a:Port {iata: 'HEL'})-[:ROUTE]->()-[:ROUTE]->(c) RETURN count(*), count(DISTINCT c)",
            f"SELECT count(*), count(DISTINCT q.dst) FROM {two} JOIN port a ON a.id = p.src WHERE a.iata = 'HEL'")
    compare(ws, duck, "MATCH (a:Port)-[:ROUTE]->(b)-[:ROUTE]->(c) WHERE a.country = 'Iceland' AND c.country = 'Japan'"
            " RETURN a.iata, b.iata, c.iata, count(*) AS n ORDER BY a.iata, b.iata, c.iata",
            f"SELECT a.iata, b.iata, c.iata, count(*) FROM {two} JOIN port a ON a.id = p.src JOIN port b ON b.id = p.dst"
            " JOIN port c ON c.id = q.dst WHERE a.country = 'Iceland' AND c.country = 'Japan' GROUP BY 1, 2, 3"
            " ORDER BY 1 NULLS LAST, 2 NULLS LAST, 3 NULLS LAST")
    compare(ws, duck, "MATCH ()-[:ROUTE]->()-[:ROUTE]->() RETURN count(*)", f"SELECT count(*) FROM {two}")


@suite.case
def circles_close(ws, duck):
    compare(ws, duck, "MATCH (a:Port)-[p:ROUTE {airline: 'AY'}]->(b)-[q:ROUTE {airline: 'AY'}]->(a) RETURN count(*)",
            "SELECT count(*) FROM route p JOIN route q ON p.dst = q.src AND q.dst = p.src AND p.id <> q.id"
            " WHERE p.airline = 'AY' AND q.airline = 'AY'")
    compare(ws, duck, "MATCH (a:Port)-[p:ROUTE]->(a) RETURN count(*)", "SELECT count(*) FROM route WHERE src = dst")


@suite.case
def the_log_is_whole_at_the_end(ws, _):
    answer = ws.verify()
    equal(answer.rc, 0, answer.err)


if __name__ == "__main__":
    sys.exit(suite.run())
