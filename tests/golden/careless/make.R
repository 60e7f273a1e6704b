# Goldens of the careless-responding indices, written out in base R from their definitions (Meade & Craig 2012; Curran
# 2016). Data: the first 400 complete rows of bfi (psych). Run here: Rscript make.R
suppressPackageStartupMessages({library(psych); library(jsonlite)})
save <- function(x, name) write_json(x, name, digits = I(17), auto_unbox = TRUE, pretty = TRUE, na = "null")
x <- head(na.omit(bfi[, 1:25]), 400)
write.csv(x, "bfi.csv", row.names = FALSE)
x <- as.matrix(x)
reversed <- c("A1", "C4", "C5", "E1", "E2", "O2", "O5")
keyed <- x; keyed[, reversed] <- 7 - keyed[, reversed]
scales <- split(colnames(x), substr(colnames(x), 1, 1))
safe_cor <- function(a, b) if (sd(a) == 0 || sd(b) == 0) NA else cor(a, b)
even_odd <- apply(keyed, 1, function(row) {
  odd <- sapply(scales, function(s) mean(row[s[c(1, 3, 5)]]))
  even <- sapply(scales, function(s) mean(row[s[c(2, 4)]]))
  r <- safe_cor(odd, even)
  max(2 * r / (1 + r), -1)
})
r <- cor(x); r[lower.tri(r, TRUE)] <- NA
within <- function(pairs) apply(x, 1, function(row) safe_cor(row[pairs[, 1]], row[pairs[, 2]]))
synonyms <- which(r > 0.4, arr.ind = TRUE); antonyms <- which(r < -0.35, arr.ind = TRUE)
d2 <- mahalanobis(x, colMeans(x), cov(x))
save(list(
  longest_run = as.integer(apply(x, 1, function(row) max(rle(row)$lengths))), irv = unname(apply(x, 1, sd)),
  mahalanobis = unname(d2), mahalanobis_p = unname(pchisq(d2, 25, lower.tail = FALSE)), even_odd = unname(even_odd),
  synonyms = unname(within(synonyms)), antonyms = unname(within(antonyms)),
  n_synonyms = nrow(synonyms), n_antonyms = nrow(antonyms)), "golden.json")
writeLines(c(R.version.string, paste(c("psych", "jsonlite"), sapply(c("psych", "jsonlite"), function(p) as.character(packageVersion(p))))), "VERSIONS")
