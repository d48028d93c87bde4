An isolated host shuts its guests down, which takes a minute; only when it has said that all have ended they start elsewhere.

cluster c1: 3 hosts of 16 cores and 64 GiB
set c1: isolationResponse shutDown
vm web x2 on h1

at 10s: fault nic-down h1 for 5m
run until 400s
expect web run elsewhere with a newer epoch; web start elsewhere after 70s; web start elsewhere before 85s
expect h1 online; no alarm
