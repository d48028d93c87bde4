An isolated host powers its VMs off after 30 s and says so by its storage: that is its fence, and they start elsewhere.
Its own power is never cut, and it serves again as soon as it is back.

cluster c1: 3 hosts of 16 cores and 64 GiB
set c1: isolationResponse powerOff
vm web x2 on h1

at 2s: write web-1 block 1 "before"
at 10s: fault nic-down h1 for 5m
run until 400s
expect web run elsewhere with a newer epoch; web start elsewhere after 40s; web start elsewhere before 55s
expect web-1 block 1 reads "before"; once alarm host-isolated on h1; h1 online; no alarm
