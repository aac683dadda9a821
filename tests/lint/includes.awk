# No include runs upward: which folder may include from which.

BEGIN {
	may["shared/base"] = "shared/base"
	may["shared/chat"] = "shared/base shared/chat"
	may["shared/net"] = "shared/base shared/net"
	may["shared/shm"] = "shared/base shared/chat shared/shm"
	shared = "shared/base shared/chat shared/net shared/shm"
	may["worker"] = shared " worker proxy"
	may["proxy"] = shared " proxy"
	may["worker/auth"] = shared " worker/auth"
	may["master"] = shared " master worker/auth"
	may["tools"] = shared " tools"
}

# The layer of a path: a folder of shared/, or the topmost folder; but the auth
# worker, which the master starts, has nothing to do with sessions.
function layer(path, part)
{
	split(path, part, "/")
	if (path ~ /^worker\/auth\//)
		return "worker/auth"
	return part[1] == "shared" ? part[1] "/" part[2] : part[1]
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, quoted, "\"")
	from = layer(FILENAME)
	to = layer(quoted[2])
	if (from == "tests")
		next
	# The one file that knows all worker types.
	if (FILENAME == "master/types.c" && (to == "worker" || to == "proxy"))
		next
	if (index(" " may[from] " ", " " to " ") == 0) {
		printf "%s:%d: %s may not include from %s\n", FILENAME, FNR,
		    from, to
		bad = 1
	}
}

END {
	exit bad
}
