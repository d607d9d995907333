-- Writes down every message that crosses a client connection, as JSON lines, so that a test can prove
-- what the server saw. Only for the lab: nobody else may want this.
--
-- One object a line: at (seconds), direction ("in": from the client, "out": to the client), secure
-- (TLS), from, to (bare JIDs), id, type, body (null when there is none), other (names of the other
-- child elements). A message that is sent again after a resume is written again, with the same id.

module:set_global();

local filters = require "util.filters";
local jid_bare = require "util.jid".bare;
local array = require "util.array";
local json = require "util.json";

local file = assert(io.open(module:get_option_string("wiretap_file"), "a"));

local function bare(jid)
	return jid and jid_bare(jid) or json.null;
end

local function record(direction, stanza, session)
	local other = array();
	for child in stanza:childtags() do
		if child.name ~= "body" then
			other[#other + 1] = child.name .. " " .. (child.attr.xmlns or "");
		end
	end
	file:write(json.encode({
		at = os.time();
		direction = direction;
		secure = session.secure and true or false;
		from = bare(stanza.attr.from or (direction == "in" and session.full_jid));
		to = bare(stanza.attr.to or (direction == "out" and session.full_jid));
		id = stanza.attr.id or json.null;
		type = stanza.attr.type or json.null;
		body = stanza:get_child_text("body") or json.null;
		other = other;
	}), "\n");
	file:flush();
end

local function tap(direction)
	return function (stanza, session)
		if stanza.name == "message" then
			record(direction, stanza, session);
		end
		return stanza;
	end
end

local tap_in, tap_out = tap("in"), tap("out");

filters.add_filter_hook(function (session)
	if session.type == "c2s_unauthed" or session.type == "c2s" then
		filters.add_filter(session, "stanzas/in", tap_in, 1000);
		filters.add_filter(session, "stanzas/out", tap_out, -1000);
	end
end);
