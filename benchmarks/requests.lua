-- Sends prepared requests, each once and in order, over wrk's connections, and ends when all are
-- answered. A line of the file: method, path, bearer or "-", body or "-"; separated by tabs.
local ffi = require("ffi")
ffi.cdef[[ typedef struct { long s; long us; } span; int gettimeofday(span *, void *); ]]
local span = ffi.new("span")

local function now()
  ffi.C.gettimeofday(span, nil)
  return tonumber(span.s) + tonumber(span.us) / 1e6
end

-- wrk asks for one request to look at it, which it never sends.
local lines, sent, answered, failed, began = {}, -1, 0, 0, nil

function init(args)
  for line in io.lines(args[1]) do lines[#lines + 1] = line end
end

function request()
  sent = sent + 1
  if sent == 1 then began = now() end
  local line = lines[sent]
  -- wrk can't be told to stop a connection: it asks for what is refused, which nothing else is.
  if line == nil then return wrk.format("DELETE", "/api/v1/info") end
  local method, path, bearer, body = line:match("^(%S+)\t(%S+)\t(%S+)\t(%S+)$")
  local headers = { ["Content-Type"] = "application/json" }
  if bearer ~= "-" then headers["Authorization"] = "Bearer " .. bearer end
  return wrk.format(method, path, headers, body ~= "-" and body or nil)
end

function response(status)
  if status == 405 then return end
  if status >= 300 then failed = failed + 1 end
  answered = answered + 1
  if answered == #lines then
    io.write(string.format("answered %d failed %d seconds %.6f\n", answered, failed, now() - began))
    io.flush()
    os.exit(0)
  end
end
