// Wrong statements, each with what its message must say: GQLSTATUS, line:column (0:0 is no place), and a part of the text. The line
// of what is expected starts with two spaces. tests/errors/wrong_test.c runs each of them alone.

MATHC (n) RETURN n
  42001 1:1 did you mean MATCH?

MATCH (n) RETRUN n
  42001 1:11 did you mean RETURN?

MATHC (n) RETRUN n
  42001 1:1 did you mean MATCH?

MATCH (n) WEHRE n.x = 1 RETURN n
  42001 1:11 did you mean WHERE?

MATCH (n) WHERE n.x = 1 RETRN n
  42001 1:25 did you mean RETURN?

OPTIONL MATCH (n) RETURN n
  42001 1:1 did you mean OPTIONAL?

OPTIONAL MTACH (n) RETURN n
  42001 1:10 did you mean MATCH?

UNWIDN [1] AS x RETURN x
  42001 1:1 did you mean UNWIND?

UNWIND [1] x RETURN x
  42001 1:12 expected AS after the list of UNWIND

UNWIND [1] AS RETURN x
  42001 1:15 expected a name for the variable of UNWIND;

CRAETE (:Person {name: 'X'})
  42001 1:1 did you mean CREATE?

CREATE NODE LABLE X (a INT)
  42001 1:13 did you mean LABEL?

CREATE NODE X (a INT)
  42001 1:13 expected LABEL after CREATE NODE

CREATE LABEL X (a INT)
  42001 1:8 write CREATE NODE LABEL or CREATE EDGE LABEL

CREATE NODE LABEL X (a INTT)
  42000 1:24 did you mean INT?

CREATE NODE LABEL X (a STRNG)
  42000 1:24 did you mean STRING?

CREATE NODE LABEL X (a VARCHAR(20))
  0A000 1:24 a type with a precision or a length is not supported by this

CREATE NODE LABEL X (a INT, PRIMARY KEY (b))
  42002 1:42 PRIMARY KEY: label 'X' has no column 'b'

CREATE NODE LABEL X (a INT PRIMARY KEY)
  42001 1:28 write the key behind the columns: PRIMARY KEY (name)

CREATE NODE LABEL X (a INT, a INT)
  42000 1:29 column 'a' is given twice

CREATE EDGE LABEL X (FROM Persn TO Team)
  42002 1:27 did you mean the label 'Person'?

CREATE EDGE LABEL X (Person TO Team)
  42001 1:22 expected FROM and the source label

CREATE EDGE LABEL X FROM Person TO Team
  42001 1:21 expected '(' and FROM Label TO Label

CREATE EDGE LABEL X
  42001 1:20 expected '(' and FROM Label TO Label

CREATE NODE LABEL Person (name STRING)
  42710 1:1 node label Person exists already

DROP NODE LABEL Persn
  42002 1:1 did you mean Person?

DROP LABEL Person
  42001 1:6 expected NODE LABEL or EDGE LABEL after DROP

DROP Person
  42001 1:6 expected NODE LABEL or EDGE LABEL after DROP

DROP TABLE Person
  42001 1:6 did you mean LABEL?

MERGE (p:Person {name: 'A'}) ON CRATE SET p.age = 1
  42001 1:33 did you mean CREATE?

MERGE (p:Person {name: 'A'}) ON SET p.age = 1
  42001 1:33 expected MATCH or CREATE after ON

MATCH (p:Person) ST p.age = 1
  42001 1:18 expected ',', WHERE, or a clause such as MAT

MATCH (p:Person) SET p.age
  42001 1:27 expected '=' after a property in SET

MATCH (p:Person) SET p.age == 1
  42001 1:29 write = for equal

MATCH (p:Person) SET age = 1
  42002 1:22 variable 'age' is not defined here

MATCH (p:Person) SET p.agee = 1
  42002 1:22 did you mean the property 'age'?

MATCH (p:Person) REMVOE p.age
  42001 1:18 did you mean REMOVE?

MATCH (p:Person) DELETE
  42001 1:24 expected an expression

MATCH (p:Person) DETACH p
  42001 1:25 expected DELETE after DETACH

MATCH (p:Person) DETACH DELTE p
  42001 1:25 did you mean DELETE?

MATCH (p:Person)
  42001 1:17 expected RETURN or an updating clause: a que

MATCH (p:Person) WHERE p.age = 1
  42001 1:33 expected RETURN or an updating clause: a que

MATCH p:Person RETURN p
  42001 1:7 a node stands in parentheses

MATCH (p Person) RETURN p
  42001 1:10 write ':' before a label

MATCH (p:Person RETURN p
  42001 1:17 expected ')' to close the node pattern

MATCH (p:Person)) RETURN p
  42001 1:17 expected ',', WHERE, or a clause such as MAT

MATCH (p:Person)-[:KNOWS]->RETURN p
  42001 1:28 expected '(' of a node pattern

MATCH (p:Person)-[:KNOWS->(q) RETURN p
  42001 1:25 expected ']' to close the relationship patte

MATCH (p:Person)-KNOWS->(q) RETURN p
  42001 1:17 a relationship is written -->, --, or -[:TYPE]->

MATCH (p:Person)-[:KNWS]->(q) RETURN p
  42002 1:20 did you mean the edge label 'KNOWS'?

MATCH (p:Person)->(q) RETURN p
  42001 1:17 a relationship is written -->, --, or -[:TYPE]->

MATCH (p:Person)-(q) RETURN p
  42001 1:17 a relationship is written -->, --, or -[:TYPE]->

MATCH (p:Person)--[:KNOWS]->(q) RETURN p
  42001 1:19 expected '(' of a node pattern

MATCH (p:Person)=>(q) RETURN p
  42001 1:17 a relationship is written --> or -[:TYPE]->

MATCH (p:Person)-[:KNOWS*1-3]->(q) RETURN p
  42001 1:27 expected ']' to close the relationship patte

MATCH (p:Person)-[:KNOWS*1...3]->(q) RETURN p
  42001 1:29 expected ']' to close the relationship patte

MATCH (p:Person)-[:KNOWS|]->(q) RETURN p
  42001 1:26 expected the name of a relationship type

MATCH (p:Person {name = 'Ada'}) RETURN p
  42001 1:23 expected ':' after a map key

MATCH (p:Person {name: 'Ada') RETURN p
  42001 1:29 expected '}' or ',' in a map

MATCH (p:Person {'name': 'Ada'}) RETURN p
  42001 1:18 keys stand without quotes, or between backticks

MATCH (p:Person {nmae: 'Ada'}) RETURN p
  42002 1:18 did you mean the property 'name'?

MATCH (p:Persn) RETURN p
  42002 1:10 did you mean the label 'Person'?

MATCH (p:person) RETURN p
  42002 1:10 did you mean the label 'Person'?

MATCH (p:Person) RETURN p.nmae
  42002 1:25 did you mean the property 'name'?

MATCH (p:Person) RETURN p.Name
  42002 1:25 did you mean the property 'name'?

MATCH (p:Person) RETURN q
  42002 1:25 variable 'q' is not defined here

MATCH (person:Person) RETURN persn.name
  42002 1:30 did you mean 'person'?

MATCH (p:Person)-[k:KNOWS]->(q) RETURN k.sicne
  42002 1:40 did you mean the property 'since'?

MATCH (p:Person) WITH p.name AS name RETURN p.age
  42002 1:45 variable 'p' is not defined here: of what came before, only

MATCH (p:Person) WITH p.name RETURN 1
  42000 1:23 an expression in WITH needs a name: add AS name

MATCH (p:Person) WITH p AS person RETURN p
  42002 1:42 variable 'p' is not defined here: of what came before, only

MATCH (p:Person) RETURN p.name ORDER p.name
  42001 1:38 expected BY after ORDER

MATCH (p:Person) RETURN p.name ORDER BY
  42001 1:40 expected an expression

MATCH (p:Person) RETURN p.name ORDR BY p.name
  42001 1:32 did you mean ORDER?

MATCH (p:Person) RETURN p.name SORT BY p.name
  42001 1:32 write ORDER BY

MATCH (p:Person) RETURN p.name ORDER BY p.name DECS
  42001 1:48 did you mean DESC?

MATCH (p:Person) RETURN p.name LIMT 3
  42001 1:32 did you mean LIMIT?

MATCH (p:Person) RETURN p.name LIMIT
  42001 1:37 expected an expression

MATCH (p:Person) RETURN p.name LIMIT 'x'
  22G03 1:38 SKIP and LIMIT need an INT, this is STRING

MATCH (p:Person) RETURN p.name LIMIT -1
  22G02 1:38 SKIP and LIMIT need a number that is not negative

MATCH (p:Person) RETURN p.name LIMIT p.age
  42000 1:38 SKIP and LIMIT may not use variables: the number holds for a

MATCH (p:Person) RETURN p.name LIMIT 3 SKIP 1
  42001 1:40 SKIP stands before LIMIT

MATCH (p:Person) RETURN p.name LIMIT 3, 1
  42001 1:39 expected an operator, UNION or the end of th

MATCH (p:Person) RETURN p.name TOP 3
  42001 1:32 write LIMIT at the end

MATCH (p:Person) RETURN DISTINCT p.city ORDER BY p.age
  42002 1:50 variable 'p' is not defined here: of what came before, only

MATCH (p:Person) RETURN p.name, RETURN p.age
  42001 1:33 expected an expression

MATCH (p:Person) RETURN p.name,
  42001 1:32 expected an expression

MATCH (p:Person) RETURN
  42001 1:24 expected an expression

MATCH (p:Person) RETURN p.name p.age
  42001 1:32 expected an operator, ',', ORDER BY, SKIP, L

MATCH (p:Person) RETURN p.name AS
  42001 1:34 expected a name for the result after AS

MATCH (p:Person) RETURN p.name AS order
  42001 1:35 expected a name for the result after AS; thi

MATCH (p:Person) RETURN p.name AS 'name'
  42001 1:35 a name stands between backticks

MATCH (p:Person) RETURN p.name AS x, p.age AS x
  42000 1:38 two results are named 'x'; give one another name with AS

MATCH (p:Person) RETURN count(p) GROUP BY p.city
  42001 1:34 there is no GROUP BY: results without an aggregate are the keys of the groups

MATCH (p:Person) RETURN p.city, count(p) HAVING count(p) > 1
  42001 1:42 there is no HAVING: write WITH ..., count(*) AS n WHERE n > 1 RETURN ...

MATCH (p:Person) WHERE count(p) > 1 RETURN p
  42000 1:24 an aggregate cannot be used in WHERE

MATCH (p:Person) RETURN p.age + count(*)
  42000 1:25 'p' is used beside an aggregate but is not one of the groupe

MATCH (p:Person) RETURN sum(count(p))
  42000 1:25 an aggregate inside an aggregate has no meaning; compute one

SELECT * FROM Person
  42001 1:1 there is no SELECT: write MATCH (n:Label) WHERE ... RETURN ...

SELECT p FROM Person p
  42001 1:1 there is no SELECT: write MATCH (n:Label) WHERE ... RETURN ...

INSERT INTO Person VALUES (1)
  42001 1:8 write CREATE (:Label {name: value})

UPDATE Person SET age = 1
  42001 1:1 write MATCH (n:Label) WHERE ... SET n.name = value

DELETE FROM Person
  42001 1:13 write MATCH (n:Label) DELETE n

FROM Person SELECT name
  42001 1:1 there is no FROM: write MATCH (n:Label)

FROM Person RETURN name
  42001 1:1 there is no FROM: write MATCH (n:Label)

TRUNCATE Person
  42001 1:1 write MATCH (n:Label) DETACH DELETE n

CREATE TABLE Person (name STRING)
  42001 1:8 write CREATE NODE LABEL or CREATE EDGE LABEL

ALTER TABLE Person ADD x INT
  42001 1:1 expected a clause such as MATCH, CREATE, WIT

BEGIN WORK
  42001 1:7 expected another clause or the end of the st

SHOW TABLES
  42001 1:6 write SHOW LABELS

SHOW LABLES
  42001 1:6 did you mean LABELS?

SHOW DATABASES
  42001 1:6 a workspace is one database: its labels are what SHOW LABELS shows

DESCRIBE Person
  42001 1:1 write SHOW LABELS

USE mydb
  42001 1:1 a workspace is one database, chosen when it is opened

GRANT ALL
  42001 1:1 expected a clause such as MATCH, CREATE, WIT

MATCH (p:Person) WHERE p.age == 36 RETURN p
  42001 1:31 write = for equal

MATCH (p:Person) WHERE p.age != 36 RETURN p
  42001 1:30 write <> for not equal

MATCH (p:Person) WHERE p.age > 3 && p.age < 9 RETURN p
  42001 1:34 write AND

MATCH (p:Person) WHERE p.age > 3 || p.age < 9 RETURN p
  22G03 1:32 || takes a STRING or a LIST

MATCH (p:Person) WHERE !p.age RETURN p
  42001 1:24 write NOT

MATCH (p:Person) WHERE p.age IS 3 RETURN p
  42001 1:33 expected NULL or NOT NULL after IS

MATCH (p:Person) WHERE p.age NOT NULL RETURN p
  42001 1:30 write IS NOT NULL

MATCH (p:Person) WHERE p.age NOT IN [1] RETURN p
  42001 1:30 write NOT x IN list

MATCH (p:Person) WHERE p.name LIKE 'A%' RETURN p
  42001 1:31 write STARTS WITH, ENDS WITH, CONTAINS or =~

MATCH (p:Person) WHERE p.age BETWEEN 1 AND 5 RETURN p
  42001 1:30 write low <= x <= high

MATCH (p:Person) WHERE p.name STARTS 'A' RETURN p
  42001 1:31 write STARTS WITH

MATCH (p:Person) WHERE p.name BEGINS WITH 'A' RETURN p
  42001 1:31 write STARTS WITH

MATCH (p:Person) WHERE p.name = "Ada RETURN p
  42001 1:33 this string has no closing quote

MATCH (p:Person) WHERE p.name = 'Ada RETURN p
  42001 1:33 this string has no closing quote

MATCH (p:Person) WHERE p.name = Ada RETURN p
  42002 1:33 variable 'Ada' is not defined here

MATCH (p:Person) WHERE p.name = 36 RETURN p
  22G04 1:24 cannot compare STRING = INT: the types never match; convert

MATCH (p:Person) WHERE p.age = '36' RETURN p
  22G04 1:24 cannot compare INT = STRING: the types never match; convert

MATCH (p:Person) WHERE p.age IN (1, 2) RETURN p
  42001 1:35 expected ')' to close the parenthesis

MATCH (p:Person) WHERE p.age IN 3 RETURN p
  22G03 1:24 IN takes a LIST on its right, not INT

MATCH (p:Person) WHERE RETURN p
  42001 1:24 expected an expression

MATCH (p:Person) WHERE p.age AND RETURN p
  42001 1:34 expected an expression

MATCH (p:Person) WHERE p RETURN p
  22G03 1:24 a condition must be BOOL, this is NODE

MATCH (p:Person) WHERE exists((p)-[:KNWS]->()) RETURN p
  42002 1:37 did you mean the edge label 'KNOWS'?

MATCH (p:Person) WHERE EXISTS (p)-[:KNOWS]->() RETURN p
  42001 1:36 expected an expression

MATCH (p:Person) WHERE EXISTS { } RETURN p
  42001 1:33 expected a pattern or a query in the subquer

RETURN 1 +
  42001 1:11 expected an expression

RETURN (1 + 2
  42001 1:14 expected ')' to close the parenthesis

RETURN [1, 2
  42001 1:13 expected ']' or ',' in a list

RETURN {a: 1
  42001 1:13 expected '}' or ',' in a map

RETURN {a 1}
  42001 1:11 expected ':' after a map key

RETURN {1: 2}
  42001 1:9 expected the name of a map key

RETURN [1 2]
  42001 1:11 expected ']' or ',' in a list

RETURN 1 2
  42001 1:10 expected an operator, ',', ORDER BY, SKIP, L

RETURN 'a' 'b'
  42001 1:12 expected an operator, ',', ORDER BY, SKIP, L

RETURN 12ab
  42001 1:10 invalid number: a letter or digit that does not belong to it

RETURN 0x1G
  42001 1:11 invalid number: a letter or digit that does not belong to it

RETURN 1.2.3
  42001 1:11 expected an operator, ',', ORDER BY, SKIP, L

RETURN 1e
  42001 1:9 invalid number: a letter or digit that does not belong to it

RETURN 99999999999999999999
  22003 1:8 integer overflow: the number does not fit in 64 bits

RETURN 'abc\q'
  42001 1:12 unknown escape in a string; known are \\ \' \" \b \f \n \r \

RETURN 'it's'
  42001 1:12 a quote inside of a string is written \'

RETURN “a”
  42001 1:8 write ' or "

RETURN 5 – 3
  42001 1:10 write '-'

RETURN a.b
  42002 1:8 variable 'a' is not defined here

RETURN $
  42001 1:9 expected the name of a parameter after '$'

RETURN $name
  42P02 1:8 parameter $name has no value

RETURN ?
  42001 1:8 a parameter is written $name

RETURN :name
  42001 1:8 expected an expression

RETURN @x
  42001 1:8 the character '@' has no meaning here

RETURN #x
  42001 1:8 a comment starts with //

RETURN toUppr('a')
  42002 1:8 did you mean toUpper()?

RETURN to_upper('a')
  42002 1:8 did you mean toUpper()?

RETURN toInteger()
  42000 1:8 tointeger() takes 1 argument, 0 are given

RETURN toInteger(1, 2)
  42000 1:8 tointeger() takes 1 argument, 2 are given

RETURN toInteger('a', 10)
  42000 1:8 tointeger() takes 1 argument, 2 are given

RETURN nosuchfunction(1)
  42002 1:8 there is no function nosuchfunction()

RETURN len('abc')
  42002 1:8 write size()

RETURN substr('abc', 1)
  42002 1:8 write substring()

RETURN ifnull(null, 1)
  42002 1:8 write coalesce()

RETURN now()
  42002 1:8 write datetime()

RETURN concat('a', 'b')
  42002 1:8 write a + b

RETURN size(3)
  22G03 1:8 size takes a STRING or a LIST as argument 1, not INT

RETURN date(3)
  22G03 1:8 date takes a STRING, a MAP or a temporal value as argument 1

RETURN date('2024-13-01')
  22007 1:8 date() takes text like 2001-01-31, whose parts exist, not '2024-13-01'

RETURN date.trunc('month', date())
  42002 1:8 there is no function date.trunc()

RETURN datetime.realtme()
  42002 1:8 did you mean datetime.realtime()?

RETURN range(1)
  42000 1:8 range() takes 2 to 3 arguments, 1 is given

RETURN range(1, 2, 0)
  22000 1:8 range(): the step must not be 0

RETURN abs('x')
  22G03 1:8 abs takes a number as argument 1, not STRING

RETURN -'x'
  22G03 1:8 neg takes a number as argument 1, not STRING

RETURN NOT 3
  22G03 1:8 NOT takes a BOOL as argument 1, not INT

RETURN 1 AND true
  22G03 1:8 AND takes a BOOL as argument 1, not INT

RETURN [1][true]
  22G03 1:8 [] takes an INT or a STRING as argument 2, not BOOL

RETURN CASE WHEN 1 THEN 2 END
  22G03 1:18 a WHEN condition must be BOOL, this is INT

RETURN CASE 1 WHEN 2 THEN 3
  42001 1:28 expected END to close CASE

RETURN CASE END
  42001 1:13 expected an expression

RETURN CASE IF true THEN 1 END
  42001 1:16 write CASE WHEN condition THEN a ELSE b END

RETURN IF(true, 1, 2)
  42002 1:8 write CASE WHEN condition THEN a ELSE b END

RETURN [x IN [1, 2] WHERE x > 1 | x
  42001 1:36 expected ']' to close the list comprehension

RETURN [x FOR x IN [1]]
  42001 1:11 write UNWIND list AS x, or [x IN list | ...] in an expression

RETURN [x OF [1] | x]
  42001 1:11 expected ']' or ',' in a list

RETURN all(x IN [1])
  42000 1:8 a quantifier needs a condition: add WHERE

RETURN all(x > 1)
  42001 1:14 expected IN in a quantifier

RETURN reduce(s = 0, x IN [1] s + x)
  42001 1:31 expected '|' in reduce

RETURN reduce(0, x IN [1] | x)
  42001 1:27 expected ')' or ',' in the arguments of a fu

RETURN count(DISTINCT)
  42001 1:22 expected an expression

RETURN count(*, 1)
  42001 1:15 expected ')' after count(*

RETURN sum(*)
  42001 1:12 expected an expression

RETURN collect()
  42000 1:8 collect() takes one argument, 0 are given

RETURN percentileCont(1)
  42000 1:8 percentilecont() takes two arguments, 1 is given

CALL db.lables()
  42002 1:1 did you mean db.labels()?

CALL db.labels() YIELD lable RETURN lable
  42000 1:24 did you mean 'label'?

CALL db.labels(1)
  42000 1:1 db.labels() takes 0 arguments, 1 is given

CALL db.labels YIELD * RETURN label
  42000 1:1 YIELD * is for a CALL that is the whole statement; name the

CALL nosuch.thing()
  42002 1:1 there is no procedure nosuch.thing(); CALL db.procedures() l

CALL { MATCH (n:Person) } RETURN 1
  42001 1:25 expected RETURN or an updating clause: a que

CALL { RETURN 1 AS x RETURN x
  42001 1:22 expected nothing behind RETURN but UNION

MATCH (p:Person) CALL { RETURN p.name AS x } RETURN x
  42002 1:32 variable 'p' is not defined here: begin the subquery with a

FOREACH (x IN [1] | MATCH (n) SET n.x = x)
  42001 1:21 expected CREATE, MERGE, SET, REMOVE, DELETE

FOREACH (x IN [1] CREATE (:Person))
  42001 1:19 expected '|' after the list of FOREACH

FOREACH x IN [1] | CREATE (:Person)
  42001 1:9 expected '(' after FOREACH

RETURN 1 UNION RETURN 2
  42000 1:16 all parts of a UNION must return the same names in the same

RETURN 1 AS x UNION RETURN 2 AS y
  42000 1:21 all parts of a UNION must return the same names in the same

RETURN 1 AS x UNION ALL RETURN 2 AS x UNION RETURN 3 AS x
  42001 1:39 UNION and UNION ALL may not be mixed in one query

RETURN 1 AS x UNION
  42001 1:20 expected a clause such as MATCH, CREATE, WIT

RETURN 1 AS x UNOIN RETURN 2 AS x
  42001 1:15 did you mean UNION?

RETURN 1 RETURN 2
  42001 1:10 expected nothing behind RETURN but UNION

RETURN 1 MATCH (n) RETURN n
  42001 1:10 expected nothing behind RETURN but UNION

WITH 1 AS x
  42001 1:12 expected RETURN or an updating clause: a que

WITH 1 AS x WHERE
  42001 1:18 expected an expression

WITH 1 RETURN 2
  42000 1:6 an expression in WITH needs a name: add AS name

LOAD CSV FROM 'x' AS row RETURN row
  42001 1:1 write COPY Label FROM 'file.csv'

COPY Person FORM 'x.csv'
  42001 1:13 did you mean FROM?

COPY Person 'x.csv'
  42001 1:13 expected FROM

COPY Person FROM x.csv
  42001 1:18 expected a quoted string for the file of COP

COPY Persn FROM 'x.csv'
  42002 1:1 did you mean the label 'Person'?

COPY Person FROM 'x.csv' (HEADR true)
  42000 1:27 did you mean HEADER?

COPY Person FROM 'x.csv' (HEADER maybe)
  42000 1:34 COPY: HEADER is true or false

COPY Person FROM 'x.csv' (FORMAT XML)
  42000 1:27 COPY: FORMAT is CSV, PARQUET or JSON (a value a line)

COPY Person FROM 'x.csv' (DELIMITER ';;')
  42000 1:37 COPY: DELIMITER is one character, neither quote nor line bre

COPY KNOWS FROM 'x.csv' (FROM Persn(name) = a, TO Person(name) = b)
  42002 1:26 did you mean the label 'Person'?

MATCH (p:Person) RETURN p AS OF yesterday
  42001 1:33 expected an operator, ',', ORDER BY, SKIP, L

MATCH (p:Person) RETURN p AS OF 99
  WG004 0:0 snapshot 99 is in the future

AS OF 1 CREATE (:Person {name: 'z'})
  25G03 1:7 AS OF is for reading queries: the past is fixed

CREATE (:Person {name: 'z', agee: 3})
  42002 1:29 did you mean the property 'age'?

CREATE (:Person {name: 'z', age: 'old'})
  22G03 1:24 Person: column age: STRING does not fit a column of INT

CREATE (:Person {age: 3})
  G2000 1:23 Person.name is NOT NULL and has no value

CREATE (a)-[:KNOWS]-(b)
  42000 1:11 a relationship to create needs one direction: -[:TYPE]->

CREATE (a)-[:A|B]->(b)
  42000 1:11 a relationship to create needs exactly one type: -[:TYPE]->

CREATE (a)-[:KNOWS*2]->(b)
  42000 1:11 a relationship of variable length cannot be created

CREATE (a)-->(b)
  42000 1:11 a relationship to create needs exactly one type: -[:TYPE]->

MATCH (p:Person) CREATE (p:Team)
  42000 1:25 variable 'p' exists already: it cannot be created again

MATCH (p:Person)-[p:KNOWS]->(q) RETURN p
  42000 1:17 'p' is used for a node and a relationship in one pattern

MATCH (p:Person), (p)-[k:KNOWS]->(k) RETURN p
  42000 1:22 'k' is used for a node and a relationship in one pattern

MATCH (p:Person) DELETE p.name
  22G03 1:25 DELETE takes nodes, relationships and paths, this is STRING

MATCH p = (a)-[:KNOWS]->(b) SET p.x = 1
  22G03 1:33 only nodes and relationships can be changed, this is PATH

MATCH p = shortestPath((a)-->(b)-->(c)) RETURN p
  42001 1:11 a shortest path needs exactly one relationship pattern

MATCH shortestPth((a)-[*]->(b)) RETURN a
  42001 1:7 did you mean SHORTESTPATH?

MATCH (n) RETURN shortestPath(a, b)
  42001 1:31 expected '(' of a node pattern

MATCH (p:Person:Persn) RETURN p
  42002 1:17 did you mean the label 'Person'?

EXPLIAN RETURN 1
  42001 1:1 did you mean EXPLAIN?

PROFLE RETURN 1
  42001 1:1 did you mean PROFILE?

EXPLAIN
  42001 1:8 expected a clause such as MATCH, CREATE, WIT

COMIT
  42001 1:1 did you mean COMMIT?

ROLLBCK
  42001 1:1 did you mean ROLLBACK?

START TRANSCTION
  42001 1:7 did you mean TRANSACTION?

-- comment
  42001 1:1 a comment starts with //

RETURN 1 -- comment
  42002 1:13 variable 'comment' is not defined here

MATCH (Person) WHERE Person.name = 'x' RETURN Persn
  42002 1:47 did you mean 'Person'?

MATCH (p:Person) RETURN p.name.first
  22G03 1:25 a value of type STRING has no properties, so '.first' has no

MATCH (p:Person) RETURN *, p.nmae
  42002 1:28 did you mean the property 'name'?

RETURN *
  42000 1:1 RETURN * has nothing to return: no variable is defined

MATCH () RETURN *
  42000 1:10 RETURN * has nothing to return: no variable is defined

MATCH (p:Person)
	WHERE p.nmae = 'x'
RETURN p
  42002 2:8 did you mean the property 'name'?

RETURN 'äöü' + äx
  42002 1:16 variable 'äx' is not defined here

MATCH (p:Person) // a comment: '
WHERE p.name = '世界' AND p.aeg = 1 RETURN p
  42002 2:25 did you mean the property 'age'?

/* several
lines */ RETURN
 1 +
 * 2
  42001 4:2 expected an expression

