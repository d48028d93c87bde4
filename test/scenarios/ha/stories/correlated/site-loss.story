A whole site is lost. It does not answer, so nothing is started on a guess. When it is back its hosts
are fenced, and when somebody has switched them on all that died runs again.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
vm web x2 on h1, h2
vm shop on h3

at 10s: fault site-loss site-a for 5m
at 400s: power-on h1, h2
run until 800s
expect web run with a newer epoch; shop untouched; no alarm
expect once alarm site-unreachable on site-a
