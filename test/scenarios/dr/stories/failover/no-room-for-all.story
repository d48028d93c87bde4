The other site has not room for all. What has room runs, the rest is reported; when there is room a second failover starts what is missing, and touches nothing else.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 16 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x3 on h1, h2: 1 vCPU, 5 GiB
vm other x2 on h3, h4: 1 vCPU, 8 GiB
group shop of web: sync to b
plan p1 of shop
guests write every 5s in web

at 31s: fault site-loss site-a
at 60s: failover plan p1 without a test because "the site burns"
20s after plan p1 is failoverPartialFailure: delete other
60s after plan p1 is failoverPartialFailure: failover plan p1 without a test because "there is room now"
run until quiet
expect web run at b; nothing was lost; lost as reported; report of p1: failover success
