A and B replicate synchronously, B sends to C. B is lost: A goes on alone, and what it takes does not reach C. When B is back it catches up, and then C does.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
cluster c3 at site c: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
link b-c: async, 20 ms, 1000 Mbit/s
link a-c: async, 20 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b, rpo 5m, cascade with c
plan p1 of shop: tested
guests write every 5s

at 31s: fault site-loss site-b for 10m
run until 30m
expect web untouched; nothing was lost; group shop is protected
