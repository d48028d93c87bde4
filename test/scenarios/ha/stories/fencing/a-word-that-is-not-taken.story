A person confirms that a host is off, first of one that serves and then of one whose storage heartbeat goes on: neither is
believed, and nothing is started before the host has surely stopped.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 5s: confirm-fenced h1 "it looks dark"
at 10s: fault bmc-unreachable h1; fault management-partition h1; fault storage-partition h1
at 25s: heal storage-partition h1
at 30s: confirm-fenced h1 "it looks dark"
at 40s: fault storage-partition h1
run until quiet
expect refused "confirm-fenced h1 "it looks dark"" with illegal-transition
expect web runs elsewhere with a newer epoch; web starts elsewhere after 150s
