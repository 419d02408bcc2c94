"""Every address of the HTTP API, in the order in which its document shows them."""

import asked
import entered
import several
import told
import tried
from routing import Routes

routes = Routes(
    [*entered.routes.table, *asked.routes.table, *told.routes.table, *several.routes.table, *tried.routes.table]
)
