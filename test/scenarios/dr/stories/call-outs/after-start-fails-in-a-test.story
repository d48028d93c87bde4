In a test a call-out that is never answered makes it a test that does not count; after the clean-up all is as before.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: callOut load afterStart 3 for 10m
guests write every 5s

at 5s: guests rest
at 6s: remember everything
at 10s: test plan p1
at 30m: cleanup plan p1
run until quiet
expect web untouched; nothing was lost; as before; plan p1 is ready
