-- What wrk asks for: codes by Zipf's law, each by a visitor drawn at random.
-- wrk -s visits.lua URL -- CODES VISITORS HOST SEED

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(args)
  lines, visitors = {}, {}
  for code in io.lines(args[1]) do
    lines[#lines + 1] = "GET /" .. code .. " HTTP/1.1\r\nHost: " .. args[3] .. "\r\n"
  end
  -- A line has name and value of each header in turn, a tab between any two of them.
  for line in io.lines(args[2]) do
    visitors[#visitors + 1] = line:gsub("([^\t]+)\t([^\t]*)\t?", "%1: %2\r\n") .. "\r\n"
  end
  math.randomseed(tonumber(args[4]) * 100 + number)
end

function request()
  -- The rank's logarithm is evenly spread: the code of rank r gets a share of 1 / r.
  local rank = math.floor((#lines + 1) ^ math.random())
  return lines[rank] .. visitors[math.random(#visitors)]
end

function done(summary)
  local errors = summary.errors
  io.write(string.format(
    'counted {"requests": %d, "failed": %d, "lost": %d, "timeouts": %d, "duration_us": %d}\n',
    summary.requests, errors.status, errors.connect + errors.read + errors.write,
    errors.timeout, summary.duration
  ))
end
