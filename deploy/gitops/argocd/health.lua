-- Health of Azure Service Operator's objects, kept by Trueup, for Argo CD: resource.customizations "*.azure.com/*".
-- Objects that are being deleted never get here: Argo CD shows them as Progressing itself.

-- Reasons of an object that waits for another one: no error, and over as soon as that one is there.
local waits = {
  WaitingForOwner = true,
  ReferenceNotFound = true,
  SecretNotFound = true,
  ConfigMapNotFound = true,
}

local function find(name)
  for _, condition in ipairs((obj.status or {}).conditions or {}) do
    if condition.type == name then
      return condition
    end
  end
  return nil
end

local function say(status, message)
  return { status = status, message = message or "" }
end

local ready = find("Ready")
if ready == nil then
  return say("Progressing", "Nothing is known of the Azure resource yet")
end
if (ready.observedGeneration or 0) < (obj.metadata.generation or 0) then
  return say("Progressing", "The last change is not in Azure yet")
end
if ready.status == "True" then
  local drifted = find("Drifted")
  if drifted ~= nil and drifted.status == "True" then
    return say("Healthy", drifted.message)
  end
  return say("Healthy", ready.message)
end

local message = (ready.reason or "Unknown") .. ": " .. (ready.message or "")
local works = ready.status ~= "False" or ready.severity == "Info"
if works or (ready.severity == "Warning" and waits[ready.reason]) then
  return say("Progressing", message)
end
return say("Degraded", message)
