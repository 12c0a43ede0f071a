/* What is run in the server. */
#include "cmd/gc-cache/cache.h"

/*
 * Many may write, so whether a line is the latest is for the server to say,
 * and in one step with the writing.  KEYS: the lines and how recent each is,
 * by agent.  ARGV: the channel; set, fill or gone; then of each line the
 * agent, how recent it is, and itself.  What is recent stays when an agent
 * goes, so that a late line does not bring it back.  Returns how many were
 * taken.  It reads all before it writes, so a key of another kind is refused
 * with nothing done.
 */
const char script_write[] =
    "local n, ids = (#ARGV - 2) / 3, {}\n"
    "for i = 1, n do ids[i] = ARGV[3 * i] end\n"
    "local held = redis.call('HMGET', KEYS[2], unpack(ids))\n"
    "local fill, at = ARGV[2] == 'fill', {}\n"
    "local names, lines, stamps, told = {}, {}, {}, {}\n"
    "for i = 1, n do\n"
    "  local id, stamp, line = ids[i], ARGV[3*i+1], ARGV[3*i+2]\n"
    "  local had = at[id] or held[i]\n"
    "  if not had or stamp > had or (stamp == had and not fill) then\n"
    "    local k = #told\n"
    "    at[id], told[k+1], names[k+1] = stamp, line, id\n"
    "    lines[2*k+1], lines[2*k+2] = id, line\n"
    "    stamps[2*k+1], stamps[2*k+2] = id, stamp\n"
    "  end\n"
    "end\n"
    "if #told == 0 then return 0 end\n"
    "if ARGV[2] == 'gone' then\n"
    "  redis.call('HDEL', KEYS[1], unpack(names))\n"
    "else\n"
    "  redis.call('HSET', KEYS[1], unpack(lines))\n"
    "end\n"
    "redis.call('HSET', KEYS[2], unpack(stamps))\n"
    "for _, line in ipairs(told) do redis.call('PUBLISH', ARGV[1], line) "
    "end\n"
    "return #told\n";
