# The roster of reduce.mjs, in jq: jq -nc -f reduce.jq.  One flat object and
# setpath alone, as jq copies the whole roster where it is nested, or changed
# with an operator such as += or //: a hundred times slower.
def count($what): setpath([$what]; getpath([$what]) + 1);
reduce inputs.data as $d ({};
    (if $d.queueId then "\($d.userId)/\($d.queueId)" else $d.userId end)
        as $key
    | getpath([$key]) as $held
    | count("#events")
    | if $held and ($d.timestamp < $held[3] or $d.timestamp == $held[3] and
          $d.status != $held[0] and $d.previousStatus != $held[0])
      then count("#stale")
      elif $held and $d.timestamp == $held[3] and $d.status == $held[0]
      then count("#duplicate")
      else count("#applied")
          | setpath([$key]; [$d.status, $d.previousStatus,
              $d.wrapUpCode, $d.timestamp])
      end)
| ([to_entries[] | select(.key[:1] != "#")
      | {user: (.key / "/")[0], queue: (.key / "/")[1],
         tier: (.value | {currentStatus: .[0], previousStatus: .[1],
             wrapUpCode: .[2], lastUpdatedTimestamp: .[3]})}]
   | group_by(.user)[]
   | {userId: .[0].user,
      global: (map(select(.queue == null).tier)[0]),
      queues: (map(select(.queue) | {(.queue): .tier}) | add // {})}),
  {counts: {events: ."#events", applied: ."#applied", stale: (."#stale" // 0),
    duplicate: (."#duplicate" // 0)}}
