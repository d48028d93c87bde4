The recovery site has not enough room: a dry run says how much is missing before anybody needs it, and the migration is refused with the same words.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 1 host of 16 cores and 10 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 1 vCPU, 5 GiB
group shop of web: sync to b
plan p1 of shop
guests write every 5s

at 10s: dry run of migrate plan p1 without a test because "only asking"
at 20s: migrate plan p1 without a test because "we know it works"
run until quiet
expect web untouched; nothing was lost; plan p1 is ready; refused "migrate plan p1 without a test because "we know it works"" because "memory"
