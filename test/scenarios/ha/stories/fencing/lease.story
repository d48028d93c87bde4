A host is cut off from both networks, and its power controller too. It may well be running its VMs, so nobody starts them
elsewhere: its watchdog stops it after 60 s, and only when its lease of 120 s has surely run out they start.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 2s: write web-1 block 1 "kept"
at 10s: fault bmc-unreachable h1; fault management-partition h1; fault storage-partition h1
run until quiet
expect web start elsewhere after 129s; web start elsewhere before 145s; web run elsewhere with a newer epoch
expect web-1 block 1 reads "kept"; web never on h1
