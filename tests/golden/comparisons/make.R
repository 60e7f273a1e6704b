# Makes data.csv and golden.json: Welch's analysis of variance (oneway.test), Games-Howell pairs written out over ptukey,
# repeated measures with the Greenhouse-Geisser correction (anova.mlm) and paired t tests, all of base R.
suppressPackageStartupMessages(library(jsonlite))
set.seed(20261125)
units <- 40
d <- expand.grid(unit = sprintf("U%02d", 1:units), role = c("nurse", "physician", "support"))
type <- sample(c("intensive", "medical", "surgical"), units, TRUE, c(.2, .5, .3))
level <- rnorm(units, 3.5, .3); lift <- c(intensive = .4, medical = 0, surgical = .1); shift <- c(0, .3, -.1)
d$type <- type[as.integer(d$unit)]
d$score <- round(level[as.integer(d$unit)] + lift[d$type] + shift[as.integer(d$role)] + rnorm(nrow(d), 0, .25 * as.integer(d$role)), 4)
d <- d[!(d$unit %in% c("U03", "U17") & d$role == "support"), ]
write.csv(d, "data.csv", row.names = FALSE)
u <- aggregate(score ~ unit + type, d, mean)
w <- oneway.test(score ~ type, u)
gh <- function(a, b) {
  x <- u$score[u$type == a]; y <- u$score[u$type == b]; vx <- var(x) / length(x); vy <- var(y) / length(y)
  df <- (vx + vy)^2 / (vx^2 / (length(x) - 1) + vy^2 / (length(y) - 1)); t <- (mean(x) - mean(y)) / sqrt(vx + vy)
  half <- qtukey(.95, 3, df) / sqrt(2) * sqrt(vx + vy)
  list(pair = paste(a, "-", b), estimate = mean(x) - mean(y), se = sqrt(vx + vy), df = df,
       p = ptukey(abs(t) * sqrt(2), 3, df, lower.tail = FALSE), ci_low = mean(x) - mean(y) - half)
}
wide <- reshape(d[, c("unit", "role", "score")], idvar = "unit", timevar = "role", direction = "wide")
m <- as.matrix(na.omit(wide[, -1])); fit <- lm(m ~ 1)
a <- anova(fit, X = ~1, test = "Spherical")
pairs <- list(c("nurse", "physician"), c("nurse", "support"), c("physician", "support"))
pt <- lapply(pairs, function(p) { z <- na.omit(wide[, paste0("score.", p)]); t <- t.test(z[, 1], z[, 2], paired = TRUE)
  list(pair = paste(p, collapse = " - "), estimate = unname(t$estimate), p = t$p.value, low = t$conf.int[1], df = unname(t$parameter)) })
holm <- p.adjust(sapply(pt, `[[`, "p"), "holm")
golden <- list(welch = list(f = unname(w$statistic), df = unname(w$parameter), p = w$p.value),
  games_howell = list(gh("intensive", "medical"), gh("intensive", "surgical"), gh("medical", "surgical")),
  repeated = list(f = a[1, "F"], p = a[1, "G-G Pr"]), paired = pt, holm = holm)
write_json(golden, "golden.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
writeLines(R.version.string, "VERSIONS")
