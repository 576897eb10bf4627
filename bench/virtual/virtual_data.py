"""The data of the benchmark of virtual labels: observations of games, one Parquet file a game.

12 dates x 12 games x 240,000 rows (34.56 million) in files {date}/{game}.parquet with row groups of 122,880 rows, as pyarrow writes them:

    ts         TIMESTAMP(us), ascending and unique in a file; the games of a date run at the same time
    game       STRING, one value a file
    player_id  INT64, 22 values a file
    x, y       DOUBLE, uniform, of full precision
    speed      FLOAT, uniform in [0, 100)
    label      STRING, 21 values; 'rare' is in 1 % of the rows

Every file is a function of (variant, date, game) alone: two makers agree in every byte as long as their pyarrow does. A folder that is
complete holds the file DONE.
"""
import os
import pathlib
import shutil

VARIANTS = {"snappy": ("snappy", False), "zstd": ("zstd", False), "index": ("snappy", True)}
GROUP_ROWS = 122880
EPOCH_US = 1_767_225_600_000_000  # 2026-01-01
DAY_US = 86_400_000_000
STEP_US = 25_000  # between two rows of a file, on average


def shape(quick):
    """(dates, games, rows a file)"""
    return (2, 2, 240000) if quick else (12, 12, 240000)


def date_text(date):
    return f"2026-01-{date + 1:02d}"


QUERY = """
    WITH numbers AS (SELECT i, [hash({seed} + i * 6 + k) FOR k IN [0, 1, 2, 3, 4, 5]] AS h FROM range({rows}) t(i)),
         parts AS (SELECT i, h, [(v >> 11)::DOUBLE * {unit} FOR v IN h] AS u FROM numbers)
    SELECT make_timestamp({start} + i * {step} + (h[1] % {step})::BIGINT) AS ts, '{game}' AS game,
           ((h[2] % 22)::BIGINT + {file} * 100) AS player_id, u[3] * 105.0::DOUBLE AS x, u[4] * 68.0::DOUBLE AS y,
           (u[5] * 100.0::DOUBLE)::FLOAT AS speed,
           CASE WHEN u[6] < 0.01 THEN 'rare' ELSE 'action_' || lpad(((h[6] >> 3) % 20)::VARCHAR, 2, '0') END AS label
    FROM parts ORDER BY i"""


def table_of(date, game, rows):
    """The rows of a file, made by DuckDB's hash of their numbers."""
    import duckdb
    start = EPOCH_US + date * DAY_US + 12 * 3_600_000_000
    text = QUERY.format(file=date * 12 + game, seed=(date * 12 + game) * 10**9, rows=rows, unit="1.1102230246251565e-16::DOUBLE", start=start, step=STEP_US,
                        game=f"game{game:02d}")
    with duckdb.connect(config={"threads": 1}) as connection:
        return connection.execute(text).to_arrow_table()


def write_file(task):
    import pyarrow.parquet
    folder, variant, date, game, rows = task
    codec, index = VARIANTS[variant]
    path = pathlib.Path(folder) / date_text(date) / f"game{game:02d}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"write_page_index": True, "data_page_size": 65536} if index else {}
    # x, y and speed of full precision have no dictionary that pays; a writer that tries leaves half a chunk of codes.
    pyarrow.parquet.write_table(table_of(date, game, rows), path, compression=codec, row_group_size=GROUP_ROWS,
                                use_dictionary=["game", "player_id", "label"], **options)


def ensure(cache, variant, quick):
    """The folder with the files of a variant, made when it is not complete."""
    dates, games, rows = shape(quick)
    folder = pathlib.Path(cache) / f"virtual-{variant}-{dates}x{games}x{rows}"
    if (folder / "DONE").exists():
        return folder
    print(f"writing {folder}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for date in range(dates):
        for game in range(games):
            write_file((folder, variant, date, game, rows))
    (folder / "DONE").touch()
    return folder


if __name__ == "__main__":
    import sys
    os.nice(5)
    ensure(sys.argv[1], sys.argv[2], "--quick" in sys.argv)
