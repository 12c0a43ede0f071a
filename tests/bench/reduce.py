"""The roster of reduce.mjs, in Python: the same lines, the same counts."""
import json
import sys

FIELDS = ("currentStatus", "previousStatus", "wrapUpCode",
          "lastUpdatedTimestamp")


def fold(roster, counts, data):
    counts["events"] += 1
    agent = roster.setdefault(data["userId"], (data["userId"], {}))[1]
    queue, status = data["queueId"], data["status"]
    timestamp, previous = data["timestamp"], data["previousStatus"]
    tier = agent.get(queue)
    if tier is not None:
        if timestamp < tier[3]:
            counts["stale"] += 1
            return
        if timestamp == tier[3]:
            if status == tier[0]:
                counts["duplicate"] += 1
                return
            if previous != tier[0]:
                counts["stale"] += 1
                return
    counts["applied"] += 1
    agent[queue] = (status, previous, data["wrapUpCode"], timestamp)


def main():
    roster = {}
    counts = dict.fromkeys(("events", "applied", "stale", "duplicate"), 0)
    for line in sys.stdin.buffer:
        fold(roster, counts, json.loads(line)["data"])
    for user in sorted(roster):
        tiers = {queue: dict(zip(FIELDS, tier))
                 for queue, tier in roster[user][1].items()}
        print(json.dumps({"userId": user, "global": tiers.pop(None, None),
                          "queues": tiers}))
    print(json.dumps({"counts": counts}))


main()
