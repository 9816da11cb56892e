-- The change feed's housekeeping. Run as cc_ctl.

-- Every node has polled what is older, or starts afresh because of the gap.
-- name: change_trim :exec
-- args: age_s int8
DELETE FROM cc.change WHERE at < now() - make_interval(secs => $1::float8);
