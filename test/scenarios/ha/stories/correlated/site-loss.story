A whole site is lost. It does not answer, so nothing is started on a guess. When it is back its hosts say themselves
that they have just booted: that is their fence, and what died runs again as soon as they serve.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
vm web x2 on h1, h2
vm shop on h3

at 10s: fault site-loss site-a for 5m
run until 600s
expect web run with a newer epoch; web never on h3; web never on h4; shop untouched; no alarm
expect once alarm site-unreachable on site-a; incident of h1 closed; incident of h2 closed
