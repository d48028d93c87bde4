The old site comes back with writes of its own. They are kept, read and given up by a person; only then it may be overwritten. Then the VMs go home, and nothing more is lost.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 4m: fault site-loss site-a for 10m
at 5m: failover plan p1
60s after plan p1 is recovered: reprotect plan p1
70s after plan p1 is recovered: discard the divergence of group shop
20s after group shop is invalid: reprotect plan p1
10m after plan p1 is ready: failback plan p1 without a test because "the fire brigade is done"
run until quiet
expect web run at a; something was lost; lost exactly as reported; plan p1 is ready; group shop is protected
