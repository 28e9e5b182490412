"""A first chart of who can do what: users against databases, by the strongest thing that they can do there.

usage: first_chart.py [URL] [FILE.png or FILE.svg]     needs psycopg and matplotlib
"""

import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import psycopg

url = sys.argv[1] if len(sys.argv) > 1 else "postgresql://grantd@127.0.0.1:5433/grantd"
file = sys.argv[2] if len(sys.argv) > 2 else "first-chart.png"

QUERY = """
SELECT user_name, object_database,
    max(CASE
        WHEN privilege = 'OWNERSHIP' THEN 3
        WHEN privilege IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'WRITE') THEN 2
        WHEN privilege IN ('SELECT', 'READ') THEN 1
        ELSE 0
    END) AS level,
    count(DISTINCT object) AS objects
FROM effective_privileges
WHERE usable AND NOT user_disabled AND object_database IS NOT NULL AND object_database <> %s
GROUP BY user_name, object_database
ORDER BY user_name, object_database
"""
LEVELS = ["see", "read", "write", "own"]

with psycopg.connect(url) as connection:
    rows = connection.execute(QUERY, ["SNOWFLAKE"]).fetchall()

users = sorted({row[0] for row in rows}, reverse=True)
databases = sorted({row[1] for row in rows})
figure, axes = plt.subplots(figsize=(2 + 1.9 * len(databases), 1.5 + 0.6 * len(users)), layout="constrained")
colours = plt.get_cmap("YlOrRd")([0.15, 0.4, 0.65, 0.9])
for user, database, level, objects in rows:
    x, y = databases.index(database), users.index(user)
    axes.add_patch(plt.Rectangle((x - 0.48, y - 0.45), 0.96, 0.9, color=colours[level]))
    axes.text(x, y, f"{LEVELS[level]}, {objects} objects", ha="center", va="center", fontsize=9)
axes.set_xlim(-0.6, len(databases) - 0.4)
axes.set_ylim(-0.6, len(users) - 0.4)
axes.set_xticks(range(len(databases)), databases)
axes.set_yticks(range(len(users)), users)
axes.tick_params(length=0)
axes.spines[:].set_visible(False)
axes.set_title("What users can do at most, by database")
plt.rcParams["svg.hashsalt"] = "grantd"
metadata = {"Date": None} if file.endswith(".svg") else {}
figure.savefig(file, dpi=150, metadata=metadata)
print(f"{file}: {len(rows)} cells of {len(users)} users and {len(databases)} databases")
