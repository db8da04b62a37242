-- Health of Trueup's DriftReport for Argo CD: resource.customizations "trueup.dev/DriftReport".

local summary = obj.summary or {}
if summary.state == "InSync" then
  return { status = "Healthy", message = "Azure is as it should be" }
end

local said = (summary.drifted or 0) .. " drifted, " .. (summary.missing or 0) .. " missing, "
said = said .. (summary.differs or 0) .. " differ, " .. (summary.unreadable or 0) .. " unreadable"
if summary.worst == "info" and (summary.unreadable or 0) == 0 then
  return { status = "Healthy", message = said }
end
return { status = "Degraded", message = said }
