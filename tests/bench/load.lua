-- For wrk: what is requested, and the figures on one line.
--
-- BENCH_PATHS names a file of paths: they are asked for in turn, each thread its own share of them.
-- BENCH_TOKENS names a file of tokens: each thread submits listens for one of them.
-- Without either, wrk asks for its URL alone.

local threads = 0

local function lines(variable)
  local list = {}
  for line in io.lines(os.getenv(variable)) do
    list[#list + 1] = line
  end
  return list
end

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
  thread:set("threads_total", tonumber(os.getenv("BENCH_THREADS") or "1"))
end

if os.getenv("BENCH_PATHS") then
  local requests, at

  function init()
    requests, at = {}, 0
    for i, path in ipairs(lines("BENCH_PATHS")) do
      if i % threads_total == number then
        requests[#requests + 1] = wrk.format("GET", path)
      end
    end
  end

  function request()
    at = at % #requests + 1
    return requests[at]
  end
end

if os.getenv("BENCH_TOKENS") then
  local headers, listened_at
  local form = '{"listen_type":"single","payload":[{"listened_at":%d,"track_metadata":{' ..
    '"artist_name":"Artist %d","track_name":"Track %d","release_name":"Release %d",' ..
    '"additional_info":{"submission_client":"bench","duration_ms":215000,"tags":["rock","indie"]}}}]}'

  function init()
    headers = { ["Authorization"] = "Token " .. lines("BENCH_TOKENS")[number + 1],
                ["Content-Type"] = "application/json" }
    listened_at = tonumber(os.getenv("BENCH_FIRST_TIME"))
    math.randomseed(number + 1)
  end

  function request()
    listened_at = listened_at + 1
    local artist = math.random(200)
    local track = artist * 100 + math.random(50)
    local body = form:format(listened_at, artist, track, artist * 10 + track % 5)
    return wrk.format("POST", "/1/submit-listens", headers, body)
  end
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(("BENCH requests=%d duration_us=%d p50_us=%d p99_us=%d refused=%d broken=%d\n"):format(
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
