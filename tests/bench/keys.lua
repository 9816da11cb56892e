-- SPDX-License-Identifier: Apache-2.0
-- One request after another, each as another tenant. CC_BENCH names the scenario, CC_KEYS a file
-- with one "key policy-id" per line.
local scenario = os.getenv("CC_BENCH")
local keys, ids = {}, {}
local n, serial = 0, 0
local prefix = "/api/v1"

for line in io.lines(os.getenv("CC_KEYS")) do
  local key, id = line:match("^(%S+)%s*(%S*)")
  keys[#keys + 1], ids[#ids + 1] = key, id
end
local salt = os.getenv("CC_SALT") or "0"
local thread_count = 0
function setup(thread) thread_count = thread_count + 1; thread:set("thread_no", thread_count) end

local function headers(i, json)
  local h = { ["Authorization"] = "Bearer " .. keys[i] }
  if json then h["Content-Type"] = "application/json" end
  return h
end

function request()
  n = n % #keys + 1
  if scenario == "list" then
    return wrk.format("GET", prefix .. "/policies", headers(n))
  elseif scenario == "get" then
    return wrk.format("GET", prefix .. "/policies/" .. ids[n], headers(n))
  elseif scenario == "create" then
    serial = serial + 1
    return wrk.format("POST", prefix .. "/policies", headers(n, true), string.format(
      '{"name":"p-%s-%s-%d","rego_code":"package bench.p%s_%s_%d\\nimport rego.v1\\ndefault allow := false\\n"}',
      salt, thread_no or 0, serial, salt, thread_no or 0, serial))
  elseif scenario == "tenant" then
    serial = serial + 1
    return wrk.format("POST", prefix .. "/tenants", headers(1, true), string.format(
      '{"name":"Bench","domain":"b%sx%sx%d.controlcore.io","plan_type":"enterprise","region":"us-east-1"}',
      salt, thread_no or 0, serial))
  end
  return wrk.format("GET", prefix .. "/policies", headers(n))      -- badkey, overlimit
end
