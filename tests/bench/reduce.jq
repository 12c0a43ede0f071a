# The roster of reduce.mjs, in jq: jq -nc -f reduce.jq.  One flat object, as
# jq copies all of a nested one at each change.
def count(what): .[what] += 1;
reduce inputs.data as $d ({};
    "\($d.userId)/\($d.queueId // "")" as $key
    | .[$key] as $held
    | count("#events")
    | if $held and ($d.timestamp < $held[3] or $d.timestamp == $held[3] and
          $d.status != $held[0] and $d.previousStatus != $held[0])
      then count("#stale")
      elif $held and $d.timestamp == $held[3] and $d.status == $held[0]
      then count("#duplicate")
      else count("#applied")
          | .[$key] = [$d.status, $d.previousStatus, $d.wrapUpCode,
              $d.timestamp]
      end)
| ([to_entries[] | select(.key[:1] != "#")
      | {user: (.key / "/")[0], queue: (.key / "/")[1],
         tier: (.value | {currentStatus: .[0], previousStatus: .[1],
             wrapUpCode: .[2], lastUpdatedTimestamp: .[3]})}]
   | group_by(.user)[]
   | {userId: .[0].user,
      global: (map(select(.queue == "").tier)[0]),
      queues: (map(select(.queue != "") | {(.queue): .tier}) | add // {})}),
  {counts: {events: ."#events", applied: ."#applied", stale: (."#stale" // 0),
    duplicate: (."#duplicate" // 0)}}
